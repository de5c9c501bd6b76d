"""Records every field of PEFT's LoraConfig, which is adapter_config.json of a PEFT folder and lora_adapter_metadata in the header of diffusers' files.

usage: reference.sh bench/reference/lora_fields.py tests/fixtures/reference-fields/adapters
"""

import dataclasses
import json
import sys
from pathlib import Path

import peft

fields = sorted(field.name for field in dataclasses.fields(peft.LoraConfig) if field.init)
record = {"library": f"peft {peft.__version__}", "class": "LoraConfig", "file": "adapter_config.json", "fields": fields}
Path(sys.argv[1], "LoraConfig.json").write_text(json.dumps(record, indent=2) + "\n")
print(len(fields), "fields")
