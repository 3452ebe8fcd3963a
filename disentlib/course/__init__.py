"""The book as a course: exercises and their checks, editions for class, slides."""

from disentlib.course.answers import NotYet, check, digest, holds, quiz

__all__ = ["NotYet", "check", "digest", "holds", "quiz"]
