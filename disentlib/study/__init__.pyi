from disentlib.study.plan import Study, load_study

__all__ = ["Study", "load_study"]
