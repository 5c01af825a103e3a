"""Print, as C, the codecs that the interpreter imports while it starts; its other modules of that time are compiled into it."""

import marshal
from encodings.aliases import aliases
from pathlib import Path
from sysconfig import get_path

CODECS = ("utf_8", "ascii", "latin_1")
sources = {f"encodings.{name}": Path(get_path("stdlib"), "encodings", name + ".py").read_text() for name in CODECS}
sources["encodings"] = Path(get_path("stdlib"), "encodings", "__init__.py").read_text()
# the names of 100 codecs that are not there would take 0.1 ms of every start
sources["encodings.aliases"] = f"aliases = { {alias: name for alias, name in aliases.items() if name in CODECS} }"

rows = []
for name, source in sources.items():
    code = marshal.dumps(compile(source, name.replace(".", "/") + ".py", "exec", dont_inherit=True, optimize=2))
    variable = name.replace(".", "_")
    print(f"static const unsigned char {variable}[] = {{{','.join(map(str, code))}}};")
    rows.append(f'    {{"{name}", {variable}, sizeof {variable}, {int(name == "encodings")}, NULL}},')
print("static const struct _frozen codecs[] = {", *rows, "    {NULL, NULL, 0, 0, NULL},", "};", sep="\n")
