"""Configs that attack, one a line: each is refused with its reason by `verify` and by `unpack`, and nothing of it runs."""

import json
import random

import pytest
from hostile_zips import (
    RUN,
    TOP,
    assert_refused,
    config,
    expression,
    files,
    listed_member,
    logging,
    metadata,
    shape,
    target,
    write_zip,
)
from typer.testing import CliRunner

from tools.cli.app import app

SYSTEM = f"os.system('{RUN}')"
ESCAPE = "\x1b]0;owned\x07\x1b[2J"


def random_json(seed: int) -> bytes:
    return json.dumps(random.Random(seed).randbytes(2**19).hex()).encode()


def deep(levels: int, inner: str = "1") -> bytes:
    return f'{{"a": {"[" * levels}{inner}{"]" * levels}}}'.encode()


TABLE = {
    # name: (how the zip is made, what its refusal says)
    # targets
    "bare run_cmd": (target("run_cmd", cmd_list=RUN), "on the list"),
    "bare eval": (target("eval"), "no class or function of MONAI"),
    "bare module": (target("antigravity"), "no class or function of MONAI"),
    "bare download": (target("download_url", url="file:///etc/passwd"), "on the list|outside"),
    "bare torchscript loader": (target("load_net_with_metadata"), "on the list"),
    "os.system": (target("os.system", command=RUN), "outside"),
    "posix.system": (target("posix.system", command=RUN), "outside"),
    "re-export of os": (target("torch.os.system", command=RUN), "outside"),
    "re-export of os in a listed package": (target("torch.nn.modules.module.os.system"), "no class|found"),
    "re-export of subprocess": (target("torch.utils.collect_env.run", command=RUN), "outside"),
    "re-export within transforms": (target("monai.transforms.io.array.locate", path="os.system"), "pydoc"),
    "function within losses": (target("monai.losses.dice.warnings.warn"), "no class|found"),
    "torch.distributed.run": (target("torch.distributed.run.main", args=["x"]), "outside"),
    "torch.hub": (target("torch.hub.load", repo_or_dir="x", model="y"), "outside"),
    "torch.load": (target("torch.load", f="x", weights_only=False), "outside|more than data"),
    "torch.utils.model_zoo": (target("torch.utils.model_zoo.load_url"), "outside"),
    "torch.jit.load": (target("torch.jit.load", f="docs/x.md"), "outside"),
    "extension of C++": (target("torch.utils.cpp_extension.load_inline", name="x", cpp_sources=RUN), "outside"),
    "datapipe that opens files": (target("torch.utils.data.datapipes.iter.FileOpener"), "on the list|found"),
    "monai.bundle.run": (target("monai.bundle.run", config_file="x.json"), "outside"),
    "monai.apps": (target("monai.apps.download_and_extract", url="x"), "outside"),
    "empty parts": (target("torch..os.system", command=RUN), "no plain name"),
    "private part": (target("torch.nn.modules._functions.SyncBatchNorm"), "private"),
    "dunder": (target("torch.nn.Module.__init__.__globals__"), "private"),
    "method of a class": (target("torch.nn.Linear.register_forward_hook"), "no class or function|found"),
    "letters that look alike": (target("t\u043erch.nn.Linear"), "no plain name"),
    "full-width letters": (target("\uff4f\uff53.system", command=RUN), "no plain name"),
    "space behind": (target("os.system "), "no plain name"),
    "long name": (target("torch.nn." + "a" * 5000), "no plain name"),
    "computed target": (target("$'os' + '.system'"), "computed"),
    "callable target": (target("$@x.run"), "computed"),
    "target by macro": (target("%y", y=1), "computed"),
    "target by reference": (config({"evil": "os.system", "x": {"_target_": "@evil"}}), "stands for what is outside"),
    "target by nested reference": (config({"a": {"b": "os.system"}, "x": {"_target_": "@a::b"}}), "stands for what is outside"),
    "target by reference to two": (
        files({"configs/inference.json": b'{"t": "UNet", "x": {"_target_": "@t"}}', "configs/over.json": b'{"t": "os.system"}'}),
        "stands for what is outside",
    ),
    "target by reference to nothing": (target("@nowhere"), "defined nowhere"),
    "target by reference to metadata": (
        files({"configs/inference.json": b'{"x": {"_target_": "@_meta_::t"}}', "configs/metadata.json": b'{"t": "os.system"}'}),
        "stands for what is outside",
    ),
    "nested key ::": (config({"network_def::_target_": "os.system"}), "outside"),
    "nested key #": (config({"network_def#_target_": "os.system"}), "outside"),
    "nested key +": (config({"+network_def": {"_target_": "os.system", "command": RUN}}), "outside"),
    "nested key + ::": (config({"+a::_target_": "os.system"}), "outside"),
    "nested key into a list": (config({"a": [{}], "a#0#_target_": "os.system"}), "outside"),
    "target that is a list": (target(["os.system"]), "no text"),
    "target that is a component": (target({"_target_": "os.system"}), "no text"),
    "target deep in a list": (config({"a": [[{"b": [{"_target_": "os.system"}]}]]}), "outside"),
    "network of another zip": (target("scripts.evil.Network"), "outside"),
    "module of ours": (target("scripts.custom_networks.handlers.resume_training.torch.load"), "no component of ours"),
    "constant of ours": (target("scripts.custom_networks.VERTEBRA_NAMES"), "no component of ours"),
    # harmless classes led astray
    "reader that is looked up": (target("LoadImaged", keys="image", reader="os.system", command=RUN), "looked up"),
    "readers in a list": (target("LoadImaged", keys="image", reader=["PILReader", "os.system"]), "looked up"),
    "reader by reference": (config({"r": "os.system", "x": {"_target_": "LoadImage", "reader": "@r"}}), "looked up"),
    "reader by nested key": (config({"x": {"_target_": "LoadImage"}, "x::reader": "os.system"}), "looked up"),
    "writer that is looked up": (target("SaveImage", writer="os.system", command=RUN), "looked up"),
    "merger that is looked up": (target("PatchInferer", merger_cls="os.system"), "looked up"),
    "a callable that looks names up": (
        config({"x": {"_target_": "Lambda", "func": {"_target_": "LoadImage", "_mode_": "callable", "command": RUN}}}), "handed on"
    ),
    "mode by nested key": (config({"x": {"_target_": "LoadImage"}, "x::_mode_": "callable"}), "handed on"),
    "mode by merging": (config({"x": {"_target_": "LoadImage"}, "+x": {"_mode_": "callable"}}), "handed on"),
    "pickled arrays": (target("NumpyReader", allow_pickle=True), "more than data"),
    "pickled cache": (target("PersistentDataset", cache_dir="docs"), "pickled files"),
    "database of pickles": (target("monai.data.LMDBDataset"), "pickled files"),
    "compiler of own choice": (
        target("SupervisedTrainer", compile=True, compile_kwargs={"options": {"cpp.cxx": ["touch"]}}), "more than data"
    ),
    "compiled mixture": (target("monai.networks.layers.GaussianMixtureModel", channel_count=f"1; {RUN}"), "compiles"),
    "tracking server": (target("MLFlowHandler", tracking_uri="x"), "sends data"),
    "name of torchvision": (target("TorchVision", name="x"), "another package"),
    "network of torchvision": (target("TorchVisionFCModel", model_name="x"), "torchvision"),
    "file mapping": (target("WriteFileMapping", mapping_file_path="x"), "writes a file"),
    "log file": (target("CSVSaver", output_dir="x"), "on the list"),
    "absolute output": (target("SaveImage", output_dir="/etc"), "absolute path"),
    "output at home": (target("CheckpointSaver", save_dir="~/.ssh"), "absolute path"),
    "climbing output": (target("CheckpointSaver", save_dir="a/../../b"), "leads out"),
    "Windows output": (target("CheckpointSaver", save_dir="C:\\Users"), "absolute path"),
    "output by a description": (
        config({"x": {"_desc_": "/etc"}, "y": {"_target_": "SaveImage", "output_dir": "@x::_desc_"}}), "absolute"
    ),
    "weights fetched by default": (target("ResNetFeatures", model_name="resnet18"), "fetches its weights"),
    "weights fetched by a subclass": (target("monai.networks.nets.efficientnet.EfficientNetEncoder"), "fetches its weights"),
    "weights fetched by reference": (
        config({"t": "EfficientNetBN", "x": {"_target_": "@t", "model_name": "b0"}}), "fetches its weights"
    ),
    "weights fetched by a truth": (target("DenseNet121", pretrained=1), "fetch its weights"),
    "weights fetched by a computed truth": (target("DenseNet121", pretrained="$1 == 1"), "fetch its weights"),
    "weights fetched by a setting": (
        config({"p": True, "x": {"_target_": "DenseNet121", "pretrained": "@p"}}), "fetch its weights"
    ),
    "weights fetched by an overlay": (config({"network_def::pretrained": "yes"}), "fetch its weights"),
    "weights fetched by an expression": (expression("monai.networks.nets.EfficientNetBN('efficientnet-b0')"), "fetch its weights"),
    "weights fetched by position": (
        expression("monai.networks.nets.DenseNet121(2, 1, 1, 64, 32, (6,), True)"), "fetch its weights"
    ),
    "address": (config({"x": "https://example.org/x.pt"}), "address"),
    "address without slashes": (config({"x": "https:/example.org/x"}), "address"),
    "output over code": (target("ClassificationSaver", output_dir="scripts", filename="__init__.py"), "file of code"),
    "output over code by a suffix": (expression("@a + 'y'", a="scripts/__init__.p"), "or to code"),
    "output over logging.conf": (config({"x": "configs/logging.conf"}), "file of code"),
    "output over a hook": (config({"x": ".git/hooks/pre-commit"}), "hidden"),
    "words into a file": (target("LogfileHandler", output_dir="x", filename="y"), "any words"),
    "output by metadata": (
        files({"configs/inference.json": b'{"x": "@_meta_::o"}', "configs/metadata.json": b'{"o": "/etc"}'}),
        "absolute path",
    ),
    # keys of MONAI
    "debugger by mode": (target("UNet", _mode_="debug"), "debugger"),
    "mode by reference": (target("UNet", _mode_="@m"), "debugger"),
    "debugger by argument": (target("UNet", _debug_=True), "unknown way"),
    "required expression": (target("UNet", _requires_=[f"$__import__('os').{SYSTEM[3:]}"]), "uses __import__|uses .system"),
    "disabling expression": (target("UNet", _disabled_=f"$__import__('os').{SYSTEM[3:]}"), "uses __import__|uses .system"),
    "describing expression": (target("UNet", _desc_="$exit()"), "uses exit"),
    "target by an element": (config({"a": ["os.system"], "x": {"_target_": "@a::0"}}), "stands for what"),
    "target by relative reference": (config({"x": {"_target_": "@#e", "e": "os.system"}}), "stands for what is outside"),
    "target by a chain": (config({"e": "@f", "f": "os.system", "x": {"_target_": "@e"}}), "stands for what is no plain name"),
    "whole config by an empty key": (config({"": {"x": {"_target_": "os.system"}}}), "outside"),
    "code behind a comment": (expression("1 # + exit()"), "cannot be parsed"),
    "nothing but a dollar": (expression(""), "no expression"),
    "macro of a file": (config({"x": "%docs/a.json::y"}), "another file"),
    "macro of a YAML file": (config({"x": "%/tmp/a.YAML#y"}), "another file"),
    "macro with a space": (config({"x": "% a"}), "another file"),
    "relative reference with code as key": (config({"a + exit()": {"b": {"c": "$[@##c]"}}, "c": 1}), "becomes code"),
    "reference in a text": (config({"in": 1, "x": "$'@in' and exit()"}), "uses exit"),
    # expressions
    "import of subprocess": (expression("import subprocess"), "imports a module"),
    "import under a name": (expression("import os as torch"), "imports a module"),
    "import of a part": (expression("from os import system"), "imports a module"),
    "two imports": (expression("import os, subprocess"), "imports a module"),
    "import, then code": (expression(f"import os; {SYSTEM}"), "no expression"),
    "__import__": (expression(f"__import__('os').system('{RUN}')"), "uses __import__|uses .system"),
    "os.system in an expression": (expression(SYSTEM, imports="$import os"), "not on the list"),
    "os of torch": (expression(f"torch.{SYSTEM}"), "outside|found"),
    "os.environ": (expression("os.environ['HOME']"), "os.environ"),
    "os handed on": (expression(f"(lambda o: o.system('{RUN}'))(os)"), "calls what it is handed"),
    "lambda that calls": (expression("lambda x: exit()"), "lambda that calls"),
    "lambda with a default": (expression("lambda x=exit(): x"), "plain arguments"),
    "subclasses": (expression("().__class__.__bases__[0].__subclasses__()"), "uses .__"),
    "globals of a function": (expression("monai.utils.set_determinism.__globals__"), "private|outside|on the list"),
    "getattr": (expression("getattr(torch, 'load')('x')"), "calls what it is handed|uses getattr"),
    "eval": (expression("eval('exit()')"), "uses eval|calls what"),
    "open": (expression("open('RAN', 'w').write('x')"), "uses open|uses .write|calls what"),
    "pickle of torch": (expression("torch.storage._load_from_bytes(b'x')"), "private|outside"),
    "timer of torch": (expression(f"torch.utils.benchmark.Timer({SYSTEM!r}).timeit(1)"), "outside|timeit"),
    "torch.hub in an expression": (expression("torch.hub.load('x', 'y')"), "outside"),
    "library of NumPy": (expression("np.load('x', allow_pickle=True)"), "hands on allow_pickle"),
    "compiler of NumPy": (expression("np.f2py.compile"), "not on the list"),
    "run_cmd of MONAI": (expression(f"monai.utils.run_cmd('{RUN}', shell=True)"), "on the list|outside|no class"),
    "loader handed on": (expression("monai.transforms.LoadImage"), "handed on"),
    "call of a reference": (expression("@network_def('os.system')"), "calls what it is handed"),
    "call of an element": (expression("@a[0]('os.system')"), "calls what it is handed"),
    "call of a local": (expression("[f('x') for f in [@network_def]]"), "calls what it is handed"),
    "comprehension that hides torch": (expression("[torch for torch in [1]]"), "stands for something else"),
    "comprehension that names a builtin": (expression("[[open for open in [1]], open]"), "stands for something else"),
    "lambda that names a builtin": (expression("[lambda eval: 1, eval]"), "stands for something else"),
    "local beyond its comprehension": (expression("[[i for i in [1]], i]"), "uses i"),
    "any keys": (expression("{**@a}"), "any keys"),
    "array of objects": (expression("np.array(@a, dtype='O').sum()"), "texts or objects"),
    "array of texts": (expression("np.array(['a', 'b'])"), "texts or objects"),
    "nested comprehension": (expression("[a for b in [[1]] for a in b]"), "nested comprehension"),
    "generator": (expression("list(x for x in [1])"), "GeneratorExp"),
    "walrus": (expression("(a := 1)"), "NamedExpr"),
    "f-string": (expression("f'{exit()}'"), "JoinedStr"),
    "format of a text": (expression("'{0.__class__}'.format(1)"), "uses .format"),
    "starred keywords": (expression("dict(**@a)"), "any keywords"),
    "starred arguments": (expression("max(*@a)"), "any arguments"),
    "reader by keyword": (expression("monai.transforms.LoadImaged(keys='a', reader='os.system')"), "handed on|hands on reader"),
    "references of MONAI": (expression("__local_refs"), "uses __local_refs"),
    "references by a name": (expression("__local_refs[len([])]"), "uses __local_refs"),
    "path put together": (expression("'/' + 'etc'"), "absolute path|other than a reference"),
    "path out of the folder": (expression("@bundle_root + '/../..'", bundle_root="."), "leads out"),
    "path of dots": (expression("@a + @b", a=".", b="./x"), "joins texts"),
    "path cut from a text": (expression("@a[1:]", a="x/etc"), "part of what may be a text"),
    "path cut from a computed text": (expression("@b[1:]", b="$@a", a="x/etc"), "part of what may be a text"),
    "path multiplied": (expression("'.' * 2"), "makes a text"),
    "path of nothing": (expression("@output_dir + '/etc'", output_dir=""), "absolute path"),
    "bytes": (expression("b'x'"), "holds"),
    "towers of powers": (expression("9 ** 9 ** 9"), "power"),
    "a huge number": (expression("[0] * 99999999999"), "holds 999"),
    "400 attributes": (expression("@a" + ".data" * 400), "more than 1000|too large"),
    "a deep tree": (expression("-" * 300 + "1"), "too large"),
    "a long expression": (expression("1+" * 900 + "1"), "more than 1000"),
    "not parsed": (expression("["), "cannot be parsed"),
    "letters beyond ASCII": (expression("\uff45val('1')"), "beyond ASCII"),
    "a NUL": (expression("1\x00"), "cannot be parsed"),
    "markup": (expression("[/x]"), "cannot be parsed"),
    "links of a terminal": (expression(f"exit('{ESCAPE}')"), "uses exit"),
    # files of configs
    "a key twice": (config(b'{"x": 1, "x": {"_target_": "os.system"}}'), "stands twice"),
    "deeply nested": (config(deep(5000)), "too deeply"),
    "deeper than Python goes": (config(deep(200000)), "too deeply"),
    "NaN": (config(b'{"x": NaN}'), "NaN is no JSON"),
    "infinity": (config(b'{"x": 1e999}'), "not finite"),
    "a number of 5000 digits": (config(b'{"x": 1' + b"0" * 5000 + b"}"), "cannot be read"),
    "a number of 20 digits": (config({"x": 10**20}), "too large a number"),
    "byte order mark": (config(b'\xef\xbb\xbf{"x": 1}'), "byte order mark"),
    "UTF-16": (config('{"x": {"_target_": "os.system"}}'.encode("utf-16")), "byte order mark"),
    "UTF-16 without mark": (config('{"x": {"_target_": "os.system"}}'.encode("utf-16-le")), "not in UTF-8"),
    "UTF-7": (config('{"x": "é\\\\u0024"}'.encode("latin-1")), "cannot be read"),
    "backslash behind an umlaut": (config('{"x": "é\\", "y": "$exit()"}'.encode()), "backslash"),
    "cut off": (config(b'{"x": '), "cannot be read"),
    "large": (config(b'{"x": "' + b"y" *  3 * 2**20 + b'"}'), "unpacks to too much"),
    "in docs": (config(b'{"x": {"_target_": "os.system"}}', "docs/more.json"), "outside"),
    "in an overlay": (config(b'{"x": {"_target_": "os.system"}}', "configs/train_more.json"), "outside"),
    "in metadata by reference": (metadata(evil={"_target_": "os.system", "command": RUN}, _requires_=["@_meta_::evil"]), "outside"),
    "expression in metadata": (metadata(evil="$exit()"), "uses exit"),
    "shape that is code": (shape(["__import__('os').system('touch RAN')"]), "no size"),
    "shape that grows": (shape(["9**9**9"]), "no size"),
    "shape that fills memory": (shape([9999, 9999, 9999]), "too large an image"),
    "shape that is no list": (shape("**"), "no size"),
    "shape by nested key": (metadata(**{"network_data_format#inputs#image#spatial_shape": ["exit()"]}), "no size"),
    "channels that fill memory": (
        metadata(**{"network_data_format::inputs::image::num_channels": 10**9}), "too large an image"
    ),
    "kind of its own code": (metadata(result_kind="scripts.custom_networks.errors.UserError"), "own code"),
    "many large configs": (files({f"configs/{n}.json": random_json(n) for n in range(9)}), "hold more than"),
    "YAML": (listed_member("configs/inference.yaml"), "does not belong"),
    "upper case JSON": (listed_member("configs/over.JSON"), "does not belong"),
    "config in scripts": (listed_member("scripts/a.json"), "does not belong"),
    # logging.conf
    "logging: class": (logging("[handler_a]\nclass=os.system\nargs=('touch RAN',)\n"), "class other than"),
    "logging: arguments": (logging("[handler_a]\nclass=StreamHandler\nargs=(open('RAN', 'w'),)\n"), "is evaluated"),
    "logging: interpolation": (logging("[handler_a]\nclass=StreamHandler\nx=exit()\nargs=%(x)s\n"), "evaluated"),
    "logging: defaults": (logging("[handler_a]\nclass=StreamHandler\nargs=()\n[DEFAULT]\nx=1\n"), "every other section"),
    "logging: formatter class": (logging("[formatter_a]\nclass=os.system\nformat=x\n"), "evaluated"),
    "logging: factory": (logging("[handler_a]\n()=os.system\n"), "evaluated"),
    "logging: keywords": (logging("[handler_a]\nclass=StreamHandler\nkwargs={'stream': exit()}\n"), "evaluated"),
    "logging: file elsewhere": (logging("[handler_a]\nclass=FileHandler\nargs=('/etc/x.log',)\n"), "writes outside"),
    "logging: socket": (logging("[handler_a]\nclass=handlers.SocketHandler\nargs=('x', 1)\n"), "class other than"),
    "logging: section": (logging("[evil]\nx=1\n"), "none of logging"),
    "logging: a section twice": (logging("[handlers]\nkeys=a\n"), "cannot be read"),
    "logging: another name": (listed_member("configs/more.conf", b"[handler_a]\nclass=os.system\n"), "class other than"),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("make", "reason"), TABLE.values(), ids=TABLE.keys())
def test_refused_without_running(tmp_path, monkeypatch, make, reason):
    monkeypatch.chdir(tmp_path)
    assert_refused(make, reason, tmp_path)


def test_the_base_of_the_table_passes(tmp_path):
    path = write_zip(tmp_path / "a.zip")
    result = CliRunner().invoke(app, ["unpack", str(path), "-o", str(tmp_path)], input="y\n")
    assert result.exit_code == 0, result.output
    assert (tmp_path / TOP / "configs" / "inference.json").is_file()
