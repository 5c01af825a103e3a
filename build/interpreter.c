/* Linked into PyInstaller's unmodified bootloader together with the interpreter itself (libpython3.11.a), by `ld --wrap`.
 *
 * Left to itself that bootloader loads libpython3.11.so, whose 39,000 relocations take 2 ms of every start. The file that
 * /usr/bin/python3.11 is has none: it is linked to fixed addresses. So is this program. */
#include <Python.h>
#include <dlfcn.h>
#include <string.h>

#include "frozen_codecs.h" /* made by frozen_codecs.py */

void *__real_dlopen(const char *path, int flags);
void *__wrap_dlopen(const char *path, int flags);
void *__real_dlsym(void *library, const char *name);
void *__wrap_dlsym(void *library, const char *name);
int __wrap__Py_Deepfreeze_Init(void);
PyStatus __wrap__PyImportZip_Init(void);
int _PyStaticCode_InternStrings(PyCodeObject *code); /* these are the interpreter's */
PyObject *_Py_get_importlib__bootstrap_toplevel(void);
PyObject *_Py_get_importlib__bootstrap_external_toplevel(void);
PyObject *_Py_get_abc_toplevel(void);
PyObject *_Py_get_codecs_toplevel(void);
PyObject *_Py_get_io_toplevel(void);

void *__wrap_dlopen(const char *path, int flags) {
    const char *slash = path ? strrchr(path, '/') : NULL;
    if (!slash || strcmp(slash + 1, LIBPYTHON)) return __real_dlopen(path, flags);
    /* The codecs that the interpreter wants before anything can be imported: out of a zip file they take 1 ms more. */
    PyImport_FrozenModules = codecs;
    return __real_dlopen(NULL, flags); /* it is here already: this very program exports its functions */
}

/* PyInstaller makes a str of its own path as if every path were UTF-8, and gives up where one is not. */
void *__wrap_dlsym(void *library, const char *name) {
    return __real_dlsym(library, strcmp(name, "PyUnicode_FromString") ? name : "PyUnicode_DecodeFSDefault");
}

/* libm.a chooses between variants of its functions by what the C library knows of the processor, which only that library's own static
 * form has. Nothing known: the plain variants, which serve the interpreter's floats well. libm.so would be 0.9 MB more to unpack. */
__attribute__((visibility("hidden"))) const char _dl_x86_cpu_features[4096];

static int intern(PyObject *object) {
    PyCodeObject *code = (PyCodeObject *)object;
    if (_PyStaticCode_InternStrings(code) < 0) return -1;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_consts); i++) {
        PyObject *constant = PyTuple_GET_ITEM(code->co_consts, i);
        if (PyCode_Check(constant) && intern(constant) < 0) return -1;
    }
    return 0;
}

/* The interpreter interns the names in all the modules that are compiled into it, os, site and ntpath among them, and so writes to
 * each of their 200 pages. These are the ones that every start imports; the others work as well with names that are not interned. */
int __wrap__Py_Deepfreeze_Init(void) {
    PyObject *(*const imported[])(void) = {
        _Py_get_importlib__bootstrap_toplevel, _Py_get_importlib__bootstrap_external_toplevel,
        _Py_get_abc_toplevel, _Py_get_codecs_toplevel, _Py_get_io_toplevel};
    for (size_t i = 0; i < sizeof imported / sizeof *imported; i++)
        if (intern(imported[i]()) < 0) return -1;
    return 0;
}

/* Nothing is imported from zip files: build/bootstrap.py holds our modules. */
PyStatus __wrap__PyImportZip_Init(void) { return PyStatus_Ok(); }
