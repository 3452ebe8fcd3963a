from disentlib.course.answers import NotYet, check, digest, holds, quiz

__all__ = ["NotYet", "check", "digest", "holds", "quiz"]
