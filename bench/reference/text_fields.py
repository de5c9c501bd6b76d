"""Records every field that transformers and open_clip read from the files of text encoders, CLIP models, processors and tokenizers.

usage: reference.sh bench/reference/text_fields.py tests/fixtures/reference-fields/text

One JSON file for each class that reads one: the version of its library and the sorted names of its fields.
"""

import ast
import dataclasses
import importlib.metadata
import importlib.util
import inspect
import json
import re
import sys
from pathlib import Path

import transformers
from tokenizers import AddedToken, Tokenizer, models
from transformers import (
    CLIPConfig, CLIPTextConfig, CLIPTokenizer, CLIPVisionConfig, GenerationConfig, PreTrainedConfig, PreTrainedModel, Qwen2Tokenizer, Qwen3Config, T5Config, T5Tokenizer, masking_utils)
from transformers.image_processing_base import ImageProcessingMixin
from transformers.image_processing_utils import BaseImageProcessor
from transformers.models.clip.image_processing_clip import CLIPImageProcessor
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.clip.processing_clip import CLIPProcessor
from transformers.processing_utils import ImagesKwargs, ProcessorMixin
from transformers.tokenization_utils_base import PreTrainedTokenizerBase
from transformers.tokenization_utils_tokenizers import TokenizersBackend

MENTIONS = [
    r"\b(?:init_|local_|explicit_)?kwargs\.(?:pop|get|setdefault)\(\s*[\"'](\w+)[\"']",
    r"\b(?:init_|local_)?kwargs\[[\"'](\w+)[\"']\]",
    r"[\"'](\w+)[\"'] (?:not )?in (?:init_|local_)?kwargs\b",
    r"\bkey == [\"'](\w+)[\"']",
    r"\b(?:tokenizer_config|processor_dict|image_processor_dict)(?:\.(?:pop|get)\(|\[)\s*[\"'](\w+)[\"']",
    r"[\"'](\w+)[\"'] (?:not )?in (?:tokenizer_config|processor_dict)\b",
]


def mentioned(*functions):
    """The keys that the source of functions takes out of the file's content."""
    source = "\n".join(inspect.getsource(function) for function in functions)
    return {name for pattern in MENTIONS for name in re.findall(pattern, source)}


def parameters(function):
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return {name for name, given in inspect.signature(function).parameters.items() if name not in ("self", "cls") and given.kind not in kinds}


def outside():
    """The keys that the library looks for in every configuration: where it finds files, chooses a mask and compares lists of layers."""
    elsewhere = [
        (PreTrainedModel.from_pretrained, r"getattr\(config, [\"'](\w+)[\"']"), (PreTrainedConfig.get_config_dict, r"[\"'](\w+)[\"'] in config_dict"),
        (masking_utils.create_causal_mask, r"getattr\(config, [\"'](\w+)[\"']"), (PreTrainedConfig.validate_layer_type, r"self\.(layer_types)\b|[\"'](layer_types)[\"']")]
    return {name for function, pattern in elsewhere for found in re.findall(pattern, inspect.getsource(function)) for name in ((found,) if isinstance(found, str) else found) if name}


def config(kind):
    own = {field.name for field in dataclasses.fields(kind)}
    later = mentioned(*(base.__dict__["__post_init__"] for base in kind.__mro__ if "__post_init__" in base.__dict__))
    derived = {"dense_act_fn", "is_gated_act", "scale_decoder_outputs", "tie_word_embeddings"} & set(vars(kind()))
    generation = set(GenerationConfig._get_default_generation_params())
    other = {"model_type", "quantization_config", "auto_map"}
    return own | later | derived | set(kind.attribute_map) | generation | other | (outside() if kind is not CLIPConfig else outside() - {"is_causal"})


def tokenizer(kind):
    special = set(PreTrainedTokenizerBase.SPECIAL_TOKENS_ATTRIBUTES)
    reads = mentioned(
        PreTrainedTokenizerBase.__init__, PreTrainedTokenizerBase.from_pretrained, PreTrainedTokenizerBase._from_pretrained,
        TokenizersBackend.__init__, TokenizersBackend.convert_to_native_format, kind.__init__)
    return special | reads | parameters(kind.__init__)


def nested(value, prefix=""):
    """The keys of a JSON object, those of nested objects joined by dots."""
    for key, inner in value.items():
        if isinstance(inner, dict) and inner and key != "vocab":
            yield from nested(inner, f"{prefix}{key}.")
        else:
            yield prefix + key


def tokenizer_file(model):
    whole = Tokenizer(model)
    whole.enable_truncation(max_length=4)
    whole.enable_padding()
    names = set(nested(json.loads(whole.to_str())))
    return {name for name in names if not name.endswith(".strategy.BatchLongest")}


def added_token():
    return set(AddedToken("a").__getstate__()) - {"__type"}


def images():
    reads = mentioned(ImageProcessingMixin.__init__, BaseImageProcessor.__init__, CLIPImageProcessor.__init__, CLIPImageProcessorPil.__init__)
    return set(ImagesKwargs.__annotations__) | reads | {"image_processor_type"}


def processor():
    reads = parameters(CLIPProcessor.__init__) | mentioned(ImageProcessingMixin.get_image_processor_dict) - {
        "cache_dir", "force_download", "proxies", "token", "local_files_only", "revision", "subfolder", "image_processor_filename", "_from_pipeline", "_from_auto"}
    return reads | {"processor_class", "auto_map", "chat_template"} | set(ProcessorMixin.optional_attributes if hasattr(ProcessorMixin, "optional_attributes") else ())


def open_clip():
    """The fields of open_clip's model and pictures, from its source: it does not import where torchvision is not."""
    root = Path(importlib.util.find_spec("open_clip").origin).parent
    classes = {node.name: node for file in ("model.py", "transform.py") for node in ast.parse((root / file).read_text()).body if isinstance(node, ast.ClassDef)}

    def fields(name):
        return {node.target.id for node in classes[name].body if isinstance(node, ast.AnnAssign)}

    made = next(node for node in classes["CLIP"].body if isinstance(node, ast.FunctionDef) and node.name == "__init__")
    own = {argument.arg for argument in made.args.args} - {"self", "vision_cfg", "text_cfg"}
    return {f"model_cfg.{name}" for name in own | {f"vision_cfg.{name}" for name in fields("CLIPVisionCfg")} | {f"text_cfg.{name}" for name in fields("CLIPTextCfg")}} | {
        f"preprocess_cfg.{name}" for name in fields("PreprocessCfg")}


KINDS = {
    "CLIPTextConfig": ("config.json of a text tower", config(CLIPTextConfig)),
    "CLIPVisionConfig": ("config.json of an image tower", config(CLIPVisionConfig)),
    "CLIPConfig": ("config.json of a CLIP model", config(CLIPConfig)),
    "T5Config": ("config.json", config(T5Config)),
    "Qwen3Config": ("config.json", config(Qwen3Config)),
    "CLIPImageProcessor": ("preprocessor_config.json", images()),
    "CLIPProcessor": ("processor_config.json", processor()),
    "CLIPTokenizer": ("tokenizer_config.json", tokenizer(CLIPTokenizer)),
    "T5Tokenizer": ("tokenizer_config.json", tokenizer(T5Tokenizer)),
    "Qwen2Tokenizer": ("tokenizer_config.json", tokenizer(Qwen2Tokenizer)),
    "Tokenizer.BPE": ("tokenizer.json", tokenizer_file(models.BPE())),
    "Tokenizer.Unigram": ("tokenizer.json", tokenizer_file(models.Unigram())),
    "OpenClip": ("open_clip_config.json", open_clip()),
    "AddedToken": ("an added token in tokenizer_config.json, special_tokens_map.json and tokenizer.json", added_token()),
}

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
for name, (file, fields) in KINDS.items():
    record = {"library": f"open_clip {importlib.metadata.version('open_clip_torch')}" if name == "OpenClip" else f"transformers {transformers.__version__}", "class": name, "file": file, "fields": sorted(fields)}
    (folder / f"{name}.json").write_text(json.dumps(record, indent=2) + "\n")
