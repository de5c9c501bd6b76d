"""Records which keys diffusers reads from the files of SD3, FLUX and Z-Image pipelines: one JSON file for each class.

usage: reference.sh bench/reference/diffusers_fields.py tests/fixtures/reference-fields
"""
import inspect
import json
import re
import sys
from pathlib import Path

import diffusers
from diffusers.configuration_utils import ConfigMixin

CLASSES = {
    "StableDiffusion3Pipeline": "model_index.json",
    "FluxPipeline": "model_index.json",
    "ZImagePipeline": "model_index.json",
    "FlowMatchEulerDiscreteScheduler": "scheduler/scheduler_config.json",
    "SD3Transformer2DModel": "transformer/config.json",
    "FluxTransformer2DModel": "transformer/config.json",
    "ZImageTransformer2DModel": "transformer/config.json",
    "AutoencoderKL": "vae/config.json",
}


def parameters(cls):
    return {name for name in inspect.signature(cls.__init__).parameters if name not in ("self", "kwargs", "args")}


def asked(cls, target):
    """Keys that the code of a class asks its configuration for, whether or not they are parameters."""
    source = inspect.getsource(cls)
    found = re.findall(rf"self\.{target}config\.(\w+)", source) + re.findall(rf"hasattr\(self\.{target}config, \"(\w+)\"", source)
    found += re.findall(rf"self\.{target}config\.get\(\"(\w+)\"", source)
    return {name for name in found if name not in ("get", "items", "keys")}


def machinery(cls):
    """Keys that the library handles for every configuration of this kind."""
    keys = {"_class_name", "_use_default_values"}
    source = inspect.getsource(ConfigMixin)
    assert all(key in source for key in keys)
    if issubclass(cls, diffusers.ModelMixin):
        assert "quantization_config" in inspect.getsource(diffusers.ModelMixin.from_pretrained)
        keys.add("quantization_config")
    if issubclass(cls, diffusers.DiffusionPipeline):
        assert "_ignore_files" in inspect.getsource(diffusers.DiffusionPipeline)
        keys |= {"_ignore_files", "_diffusers_version"}
    return keys


def main(folder):
    def asked_by_pipelines(component):
        return asked(diffusers.StableDiffusion3Pipeline, component) | asked(diffusers.FluxPipeline, component) | asked(diffusers.ZImagePipeline, component)

    read_by_pipeline = {
        "FlowMatchEulerDiscreteScheduler": asked_by_pipelines(r"scheduler\."),
        "SD3Transformer2DModel": asked(diffusers.StableDiffusion3Pipeline, r"transformer\."),
        "FluxTransformer2DModel": asked(diffusers.FluxPipeline, r"transformer\."),
        "ZImageTransformer2DModel": asked(diffusers.ZImagePipeline, r"transformer\."),
        "AutoencoderKL": asked_by_pipelines(r"vae\."),
    }
    for name, file in CLASSES.items():
        cls = getattr(diffusers, name)
        own = set() if issubclass(cls, diffusers.DiffusionPipeline) else asked(cls, "")
        fields = sorted(parameters(cls) | machinery(cls) | own | read_by_pipeline.get(name, set()))
        record = {"library": f"diffusers {diffusers.__version__}", "class": name, "file": file, "fields": fields}
        Path(folder, f"{name}.json").write_text(json.dumps(record, indent=2) + "\n")
        print(name, len(fields), "fields")


main(sys.argv[1])
