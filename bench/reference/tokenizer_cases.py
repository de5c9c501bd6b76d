"""Records what transformers' CLIPTokenizer, T5Tokenizer and Qwen2Tokenizer read captions as, for tokenizer folders with awkward files.

usage: reference.sh bench/reference/tokenizer_cases.py tests/fixtures/tokenizer-cases.json

A case says how its folder is made: files that are copied from a folder of the repository, keys that are set in them, files that are written. A folder that the
library does not read has "refused" instead of ids.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import transformers
from transformers import CLIPTokenizer, Qwen2Tokenizer, T5Tokenizer

transformers.logging.set_verbosity_error()
ROOT = Path(__file__).resolve().parents[2]
LENGTH = 24

CLIP = "models/tiny-sd3/tokenizer"
CLIP_WHOLE = "tests/fixtures/pipeline-flux/model/tokenizer"
T5 = "models/tiny-sd3/tokenizer_3"
T5_LARGE = "tests/fixtures/tokenizers/t5"
T5_WHOLE = "tests/fixtures/pipeline-flux/model/tokenizer_2"
QWEN = "tests/fixtures/qwen3-text/tokenizer"
PARTS = ["vocab.json", "merges.txt"]

CAPTIONS = [
    "", " ", "a red circle", "A  Red\tCIRCLE\n above   a blue square ", "two crosses, three rings!", "don't we'll I'm it's THEY'RE", "it\u2019s 12 345 6x7 \u00bd \u2167",
    "caf\u00e9 cafe\u0301 na\u00efve \u00c5 \u212b", "\uff21\uff42\uff43 \ufb01ne \u2126hm \u00df \u1e9e", "\u0130stanbul I\u0307 \u0131", "\u03a3\u0391\u03a3 \u03c3\u03b1\u03c2",
    "\u65e5\u672c\u8a9e \u4e2d\u6587 \ud55c\uad6d\uc5b4 \u1112\u1161\u11ab", "\u0939\u093f\u0928\u094d\u0926\u0940 \u0e44\u0e17\u0e22 \u0627\u0644\u0639\u0631\u0628\u064a\u0629",
    "\U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea \u2764\ufe0f", "a\u00a0b\u2003c\u3000d\u200be\ufefff\u2060g", "a\u0000b\u0001c\u0007d\u007fe\u0085f\u009fg",
    "a\u200db\u200cc \u00adsoft", "\u2581under \u2581\u2581 a\u2581b", "tab\tnew\r\nline\u2028sep\u2029par\u000bvt\u000cff", "e\u0301\u0301\u0301 \ufb01\u0301 \u3099\u304b\u3099 \u0f71\u0f72",
    "\U0001d400\U0001d401 \U0001d7d8 \U00010400", "\u2460 \u24b6 \u216b \u00b2 \u00b5 \u2103", "http://a.b/c?d=e&f=%20#g @h", "&lt;b&gt; &amp;amp; <b>", "``quotes'' \u201ccurly\u201d \u00abguill\u00bb",
    "a_b-c.d/e\\f|g~h`i^j", "....,,,,!!!!????", "x" * 90, "a red circle " * 12, "\ufffd \ufffe", "\u1100\u1161\u11a8 \uac01", "\u0344 \u0387 \u2000 \u2001",
    "</s>", "a</s>b", "a </s> b", "</S>", "<pad>", "a<pad>b <pad>", "<unk>", "a <unk>b", "<s> <mask> [MASK]", "<extra_id_0>", "a<extra_id_1>b <extra_id_99> <extra_id_100>",
    "<|endoftext|>", "a<|endoftext|>b", "a red <|startoftext|> circle", "<|ENDOFTEXT|> <|endoftext|", "<|endoftext|><|startoftext|>!", "< | endoftext | >", "a!", "! a ! b!c",
    "<w>", "a<w>b <w> c<w>, <w>d \u00e9<w> \u0301<w> _<w> -<w>-", "a  <l>  b<l>c", "a  <r>  b<r>c", "a  <lr>  <lr>  b", "<Sks> <SKS> <sks>", "<Raw> <RAW> <raw>", "<R\u00e9> <R\u0065\u0301>",
    "<x><y><xy>", "sks dog, a sks", "two\twords two words two  words", "<img><boi>",
]

FLAGS = {
    "content": "<w>", "single_word": True, "normalized": False, "special": False}


def tokens(first, *named):
    return {str(first + i): token for i, token in enumerate(named)}


MIXED = [
    FLAGS, {"content": "<l>", "lstrip": True, "normalized": False}, {"content": "<r>", "rstrip": True, "normalized": False, "special": True},
    {"content": "<lr>", "lstrip": True, "rstrip": True, "normalized": True}, {"content": "<Sks>"}, {"content": "<Raw>", "special": True}, {"content": "<R\u00e9>", "normalized": True},
    {"content": "<x>"}, {"content": "<xy>"}, {"content": "sks", "single_word": True}, {"content": "two words"}]


def clip(name, config=None, files=None, base=CLIP, **more):
    copied = PARTS if files is None else files
    return {"name": name, "kind": "clip", "base": base, "copy": copied, "write": ({} if config is None else {"tokenizer_config.json": config}) | more.pop("write", {}), **more}


def t5(name, config=None, files=None, base=T5, **more):
    copied = ["spiece.model"] if files is None else files
    return {"name": name, "kind": "t5", "base": base, "copy": copied, "write": ({} if config is None else {"tokenizer_config.json": config}) | more.pop("write", {}), **more}


def qwen(name, config=None, files=None, **more):
    copied = ["tokenizer.json"] if files is None else files
    return {"name": name, "kind": "qwen", "base": QWEN, "copy": ["chat_template.jinja", *copied], "write": ({} if config is None else {"tokenizer_config.json": config}) | more.pop("write", {}), **more}


def whole(name, config=None, **more):
    return clip(name, config, files=["tokenizer.json"], base=CLIP_WHOLE, **more)


def whole_t5(name, config=None, **more):
    return t5(name, config, files=["tokenizer.json"], base=T5_WHOLE, **more)


LEFT = {"truncation": {"direction": "Left", "max_length": 5, "strategy": "LongestFirst", "stride": 0},
        "padding": {"strategy": {"Fixed": 12}, "direction": "Left", "pad_to_multiple_of": None, "pad_id": 3, "pad_type_id": 0, "pad_token": "!"}}

CASES = [
    clip("as it is", files=[*PARTS, "tokenizer_config.json", "special_tokens_map.json"]),
    clip("without configuration"),
    clip("older keys", {"do_lower_case": False, "add_prefix_space": True, "add_bos_token": False, "add_eos_token": False, "errors": "strict", "max_len": 9}),
    clip("pad token of its own", {"pad_token": "!"}),
    clip("pad token with flags", {"pad_token": {"__type": "AddedToken", "content": "!", "lstrip": True, "rstrip": True, "normalized": True}}),
    clip("pad token null", {"pad_token": None}),
    clip("end token null", {"eos_token": None}),
    clip("begin token null", {"bos_token": None}),
    clip("unknown token null", {"unk_token": None}),
    clip("end token of its own", {"eos_token": "!"}),
    clip("other named tokens", {"mask_token": "<w>", "sep_token": "!", "cls_token": "<x>"}),
    clip("map hides configuration", {"pad_token": "!"}, write={"special_tokens_map.json": {"pad_token": "<|endoftext|>", "mask_token": {"content": "<l>", "lstrip": True, "normalized": True}}}),
    clip("decoder hides map", {"added_tokens_decoder": {}}, write={"special_tokens_map.json": {"pad_token": "!"}, "added_tokens.json": {"<x>": 611}}),
    clip("added with flags", {"added_tokens_decoder": tokens(611, *MIXED)}),
    clip("named token with flags of the decoder", {"pad_token": "!", "added_tokens_decoder": {"0": {"content": "!", "lstrip": True, "normalized": True, "special": False}}}),
    clip("added_tokens.json", {"extra_special_tokens": ["<x>"]}, write={"added_tokens.json": {"<Sks>": 611, "<x>": 612, "sks": 613}}),
    clip("extra tokens", {"extra_special_tokens": ["<x>", "<xy>", {"__type": "AddedToken", "content": "<l>", "lstrip": True}]}),
    clip("additional tokens", {"additional_special_tokens": ["<x>", "<xy>"]}),
    clip("both lists", {"additional_special_tokens": ["<y>"], "extra_special_tokens": ["<x>"]}),
    clip("tokens of the model", {"extra_special_tokens": {"img_token": "<img>"}, "boi_token": "<boi>"}),
    clip("special tokens split", {"split_special_tokens": True, "added_tokens_decoder": tokens(611, *MIXED)}),
    clip("left", {"padding_side": "left", "truncation_side": "left"}),
    clip("cut left", {"truncation_side": "left"}),
    clip("bad side", {"padding_side": "up"}),
    whole("whole", {}),
    whole("whole, left", set={"tokenizer.json": LEFT}),
    whole("whole, left but configured right", {"padding_side": "right", "truncation_side": "right"}, set={"tokenizer.json": LEFT}),
    whole("whole, other steps", set={"tokenizer.json": {"normalizer": None, "pre_tokenizer": {"type": "Whitespace"}, "post_processor": None, "model.ignore_merges": True, "model.end_of_word_suffix": "@"}}),
    whole("whole, without added tokens", set={"tokenizer.json": {"added_tokens": None}}),
    clip("whole goes before parts", files=["tokenizer.json"], base=CLIP_WHOLE, write={"vocab.json": {"a</w>": 0}, "merges.txt": "#version: 0.2\n"}),
    t5("as it is", files=["spiece.model", "tokenizer_config.json", "special_tokens_map.json"]),
    t5("without configuration"),
    t5("larger", base=T5_LARGE),
    t5("larger, no extra ids", {"extra_ids": 0, "legacy": True, "add_prefix_space": False, "sp_model_kwargs": {}}, base=T5_LARGE),
    t5("added with flags", {"extra_ids": 2, "added_tokens_decoder": tokens(0, {"content": "<pad>"}, {"content": "</s>", "lstrip": True, "rstrip": True}, {"content": "<unk>", "single_word": True, "special": True})}),
    t5("more tokens", {"extra_ids": 0, "added_tokens_decoder": tokens(47, *MIXED)}),
    t5("extra tokens", {"extra_special_tokens": ["<x>", "<xy>"]}),
    t5("additional tokens", {"additional_special_tokens": ["<x>", "<extra_id_1>"], "extra_ids": 3}),
    t5("pad token of its own", {"extra_ids": 0, "pad_token": "<unk>"}),
    t5("end token null", {"eos_token": None}),
    t5("pad token null", {"pad_token": None}),
    t5("special tokens split", {"extra_ids": 5, "split_special_tokens": True}),
    t5("left", {"padding_side": "left", "truncation_side": "left"}),
    t5("added_tokens.json", {"extra_ids": 0}, write={"added_tokens.json": {"<Sks>": 47, "sks": 48}, "special_tokens_map.json": {"pad_token": {"content": "<pad>", "rstrip": True, "normalized": False}}}),
    whole_t5("whole", files_too=["tokenizer_config.json"]),
    whole_t5("whole, without configuration"),
    whole_t5("whole, left", {}, set={"tokenizer.json": LEFT}),
    whole_t5("whole, other steps", {"extra_ids": 3}, set={"tokenizer.json": {"pre_tokenizer": None, "post_processor": None, "decoder": None, "model.unk_id": 0}}),
    whole_t5("whole, no table", {"extra_ids": 0}, set={"tokenizer.json": {"normalizer": None}}),
    qwen("as it is", files=["tokenizer.json", "tokenizer_config.json"]),
    qwen("without configuration"),
    qwen("parts", {}, files=PARTS),
    qwen("parts with tokens", {"eos_token": "<|im_end|>", "extra_special_tokens": ["<x>", "<xy>"]}, files=PARTS),
    qwen("added with flags", {"added_tokens_decoder": tokens(460, {"content": "<|endoftext|>", "special": True}, *MIXED)}, files=PARTS),
    qwen("named tokens", {"pad_token": "!", "unk_token": None, "mask_token": "<w>", "bos_token": "<x>"}, files=PARTS),
    qwen("named token with flags of the decoder", {"eos_token": "!", "added_tokens_decoder": {"0": {"content": "!", "lstrip": True, "normalized": True, "special": False}}}, files=PARTS),
    qwen("extra token with flags", {"extra_special_tokens": ["<x>", {"__type": "AddedToken", "content": "<l>", "lstrip": True}], "mask_token": {"__type": "AddedToken", "content": "<r>", "rstrip": True, "normalized": True}}, files=PARTS),
    qwen("special tokens split", {"split_special_tokens": True}),
    qwen("cut left", {"truncation_side": "left", "padding_side": "left"}),
    qwen("map hides configuration", {"pad_token": "!"}, files=PARTS, write={"special_tokens_map.json": {"pad_token": "<|endoftext|>", "mask_token": {"content": "<l>", "lstrip": True, "normalized": True}}}),
    qwen("other steps", set={"tokenizer.json": {"normalizer": None, "pre_tokenizer": {"type": "Whitespace"}, "post_processor": None, "model.ignore_merges": True, "model.byte_fallback": True}}),
    qwen("whole goes before parts", files=["tokenizer.json"], write={"vocab.json": {"a": 0}, "merges.txt": "#version: 0.2\n"}),
]


def put(value, path, new):
    *sections, last = path.split(".")
    for section in sections:
        value = value[section]
    value[last] = new


def make(case):
    folder = Path(tempfile.mkdtemp())
    for name in case["copy"]:
        shutil.copy(ROOT / case["base"] / name, folder)
    for name, keys in case.get("set", {}).items():
        content = json.loads((folder / name).read_text())
        for path, new in keys.items():
            put(content, path, new)
        (folder / name).write_text(json.dumps(content))
    for name, content in case["write"].items():
        (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


records = []
for case in CASES:
    case["copy"] = [*case["copy"], *case.pop("files_too", [])]
    folder = make(case)
    kind = {"clip": CLIPTokenizer, "t5": T5Tokenizer, "qwen": Qwen2Tokenizer}[case["kind"]]
    # A text of Qwen's is not framed, and padding has no part in it.
    padding = {} if kind is Qwen2Tokenizer else {"padding": "max_length"}
    try:
        tokenizer = kind.from_pretrained(folder)
        ids = [tokenizer(caption, max_length=LENGTH, truncation=True, **padding).input_ids for caption in CAPTIONS]
        records.append({**case, "ids": ids})
    except Exception as failure:
        records.append({**case, "refused": type(failure).__name__})
        print(case["kind"], case["name"], type(failure).__name__, str(failure)[:120])
    shutil.rmtree(folder)

lines = ",\n".join("  " + json.dumps(record, separators=(",", ":")) for record in records)
captions = json.dumps(CAPTIONS)
Path(sys.argv[1]).write_text(f'{{\n "library": "transformers {transformers.__version__}",\n "captions": {captions},\n "cases": [\n{lines}\n ]\n}}\n')
