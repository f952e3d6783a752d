"""The errors a person may meet: one clear line each, naming what is wrong and how to fix it."""


class ScenePipelineError(Exception):
    """Work failed for a reason the user can fix; the command line prints it and exits with 1.

    The message is one sentence that names the file, row or field, then the fix.
    """


class CatalogError(ScenePipelineError):
    """A catalog as a whole cannot be used (single bad rows become rejects instead)."""


class ImageError(ScenePipelineError):
    """A picture cannot be fetched, decoded or trusted."""


class EncoderError(ScenePipelineError):
    """An encoder is unknown, or its weights are missing or altered."""


class IndexBuildError(ScenePipelineError):
    """The index does not reach its recall bound, or its vectors are unusable."""


class ProductIndexError(ScenePipelineError):
    """A product index is unreachable, does not have a requested version, or cannot answer in full."""


class ComputeError(ScenePipelineError):
    """A cluster cannot be started or reached, or lost the same piece of work again and again."""


class BundleError(ScenePipelineError):
    """A bundle is missing, altered, of another schema, or fails its checks."""


class VocabularyError(ScenePipelineError):
    """A vocabulary file has an unknown key, a duplicate or a value of the wrong type."""


class TruthError(ScenePipelineError):
    """A ground-truth or label file does not fit the scenes or the catalog."""


class EventError(ScenePipelineError):
    """An event is malformed, or the event store cannot be read or written."""


class LearningError(ScenePipelineError):
    """A log cannot carry what is requested of it, or rules of exploration or an experiment are invalid."""


class ExperimentError(ScenePipelineError):
    """The design of an experiment contradicts itself, or a request does not fit its state."""


class ServiceError(ScenePipelineError):
    """The HTTP service is misconfigured: a setting, a token file or an address."""


def one_line(error: Exception, length: int = 200) -> str:
    """Return an exception's message on one line, cut to `length` characters; its class where it has none."""
    return " ".join(str(error).split())[:length] or type(error).__name__
