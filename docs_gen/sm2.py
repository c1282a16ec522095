"""SM2 signatures (GB/T 32918.2) with SM3 (GB/T 32905), by the system's OpenSSL.

pyca/cryptography has SM3 and no SM2, so libcrypto is asked itself, through its public interface and
cffi. Nothing is computed here. A build of OpenSSL without SM2 is found out and named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import cffi
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes

from docs_gen.keyfiles import KeyFolderError

# Who signs, where nothing else was agreed upon: GB/T 35276, and every implementation's default.
SIGNER_ID: Final = b"1234567812345678"
POINT_BYTES: Final = 65
MOST_DER: Final = 4096
LIBRARIES: Final = ("libcrypto.so.3", "libcrypto.so.4", "libcrypto.3.dylib")
NEEDED: Final = (
    "SM2 needs OpenSSL 3 or newer built with SM2, which this machine does not have "
    "(on Debian: apt install libssl3; builds of the Fedora family leave SM2 out)"
)
# A SubjectPublicKeyInfo of id-ecPublicKey on the curve 1.2.156.10197.1.301, before its point.
KEY_PREFIX: Final = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")

_DECLARED = """
typedef struct evp_pkey_st EVP_PKEY;
typedef struct evp_pkey_ctx_st EVP_PKEY_CTX;
typedef struct evp_md_ctx_st EVP_MD_CTX;
typedef struct evp_md_st EVP_MD;
typedef struct evp_cipher_st EVP_CIPHER;
typedef struct bio_st BIO;
typedef struct x509_st X509;
typedef struct pkcs12_st PKCS12;
typedef struct stack_st OPENSSL_STACK;

unsigned long ERR_get_error(void);
EVP_PKEY *EVP_PKEY_Q_keygen(void *, const char *, const char *, ...);
void EVP_PKEY_free(EVP_PKEY *);
int EVP_PKEY_is_a(const EVP_PKEY *, const char *);
EVP_PKEY *d2i_PUBKEY(EVP_PKEY **, const unsigned char **, long);
int i2d_PUBKEY(const EVP_PKEY *, unsigned char **);
EVP_PKEY_CTX *EVP_PKEY_CTX_new_from_pkey(void *, EVP_PKEY *, const char *);
void EVP_PKEY_CTX_free(EVP_PKEY_CTX *);
int EVP_PKEY_CTX_set1_id(EVP_PKEY_CTX *, const void *, int);
EVP_MD_CTX *EVP_MD_CTX_new(void);
void EVP_MD_CTX_free(EVP_MD_CTX *);
void EVP_MD_CTX_set_pkey_ctx(EVP_MD_CTX *, EVP_PKEY_CTX *);
const EVP_MD *EVP_sm3(void);
int EVP_DigestSignInit(EVP_MD_CTX *, EVP_PKEY_CTX **, const EVP_MD *, void *, EVP_PKEY *);
int EVP_DigestSign(EVP_MD_CTX *, unsigned char *, size_t *, const unsigned char *, size_t);
int EVP_DigestVerifyInit(EVP_MD_CTX *, EVP_PKEY_CTX **, const EVP_MD *, void *, EVP_PKEY *);
int EVP_DigestVerify(EVP_MD_CTX *, const unsigned char *, size_t, const unsigned char *, size_t);
const void *BIO_s_mem(void);
BIO *BIO_new(const void *);
BIO *BIO_new_mem_buf(const void *, int);
size_t BIO_ctrl_pending(BIO *);
int BIO_read(BIO *, void *, int);
int BIO_free(BIO *);
const EVP_CIPHER *EVP_aes_256_cbc(void);
int PEM_write_bio_PKCS8PrivateKey(
    BIO *, const EVP_PKEY *, const EVP_CIPHER *, const char *, int, void *, void *);
EVP_PKEY *PEM_read_bio_PrivateKey(BIO *, EVP_PKEY **, void *, void *);
PKCS12 *d2i_PKCS12_bio(BIO *, PKCS12 **);
void PKCS12_free(PKCS12 *);
int PKCS12_parse(PKCS12 *, const char *, EVP_PKEY **, X509 **, OPENSSL_STACK **);
int OPENSSL_sk_num(const OPENSSL_STACK *);
void *OPENSSL_sk_value(const OPENSSL_STACK *, int);
void OPENSSL_sk_free(OPENSSL_STACK *);
int i2d_X509(const X509 *, unsigned char **);
void X509_free(X509 *);
"""
_ffi = cffi.FFI()
_ffi.cdef(_DECLARED)


class Sm2Error(KeyFolderError):
    """A key or a file that is none of SM2; says what was expected."""


class Sm2MissingError(Sm2Error):
    """There is no SM2 on this machine; says what to install."""


@cache
def _library() -> Any:  # noqa: ANN401 (cffi knows its functions at run time only)
    """Return libcrypto, once it has made an SM2 key; Sm2MissingError without."""
    for name in LIBRARIES:
        try:
            found = _ffi.dlopen(name)
            made = found.EVP_PKEY_Q_keygen(_ffi.NULL, _ffi.NULL, b"SM2")
            found.EVP_PKEY_CTX_set1_id  # noqa: B018 (a symbol that is looked up)
        except (OSError, AttributeError):
            continue
        if made == _ffi.NULL:
            _forget_errors(found)
            continue
        found.EVP_PKEY_free(made)
        return found
    raise Sm2MissingError(NEEDED)


def require() -> None:
    """Raise Sm2MissingError where SM2 cannot be computed; it says what to install."""
    _library()
    try:
        sm3(b"")
    except UnsupportedAlgorithm:
        raise Sm2MissingError(NEEDED) from None


def is_there() -> bool:
    """Say whether SM2 can be computed on this machine."""
    try:
        require()
    except Sm2MissingError:
        return False
    return True


def sm3(data: bytes) -> bytes:
    """Return the SM3 digest of some bytes."""
    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return digest.finalize()


class PrivateKey:
    """An SM2 key; it signs, and its signatures differ from run to run."""

    def __init__(self, handle: Any) -> None:  # noqa: ANN401 (a cffi pointer)
        """Own an EVP_PKEY; Sm2Error if it is no SM2 key."""
        lib = _library()
        self._key = _ffi.gc(handle, lib.EVP_PKEY_free)
        if not lib.EVP_PKEY_is_a(self._key, b"SM2"):
            raise Sm2Error("expected an SM2 key")
        self.point = point_of(_der(lib.i2d_PUBKEY, self._key))

    @classmethod
    def generate(cls) -> PrivateKey:
        """Make a key."""
        made = _library().EVP_PKEY_Q_keygen(_ffi.NULL, _ffi.NULL, b"SM2")
        return cls(_some(made, "no key could be made"))

    @classmethod
    def open(cls, pem: bytes, passphrase: bytes) -> PrivateKey:
        """Open a key in PEM (PKCS#8, encrypted or not); Sm2Error if it does not open."""
        lib = _library()
        # Always with a passphrase of ours: OpenSSL would ask the terminal else.
        with _reading(pem) as source, _words(passphrase) as words:
            found = lib.PEM_read_bio_PrivateKey(source, _ffi.NULL, _ffi.NULL, words)
            return cls(_some(found, "the key does not open: wrong passphrase, or no SM2 key"))

    def seal(self, passphrase: bytes) -> bytes:
        """Return the key as PEM, encrypted (PKCS#8, AES-256)."""
        lib = _library()
        target = _ffi.gc(_some(lib.BIO_new(lib.BIO_s_mem()), "out of memory"), lib.BIO_free)
        with _words(passphrase) as words:
            written = lib.PEM_write_bio_PKCS8PrivateKey(
                target, self._key, lib.EVP_aes_256_cbc(), _ffi.NULL, 0, _ffi.NULL, words
            )
        _right(written, "the key cannot be written")
        content = _ffi.new("unsigned char[]", lib.BIO_ctrl_pending(target))
        length = lib.BIO_read(target, content, len(content))
        return bytes(_ffi.buffer(content, length))

    def sign(self, data: bytes) -> bytes:
        """Sign with SM2 over SM3 under the usual signer's id; the signature is DER."""
        lib = _library()
        with _context(self._key, lib.EVP_DigestSignInit) as context:
            room, length = _ffi.new("unsigned char[]", 128), _ffi.new("size_t *", 128)
            _right(lib.EVP_DigestSign(context, room, length, data, len(data)), "not signed")
            return bytes(_ffi.buffer(room, length[0]))


def open_pkcs12(content: bytes, passphrase: bytes) -> tuple[PrivateKey, bytes, list[bytes]]:
    """Return a PKCS#12 file's key, its certificate and the others (DER); Sm2Error if it is none."""
    lib = _library()
    with _reading(content) as source:
        found = lib.d2i_PKCS12_bio(source, _ffi.NULL)
    file = _ffi.gc(_some(found, "no PKCS#12 file"), lib.PKCS12_free)
    key, one, others = (_ffi.new(f"{kind} **") for kind in ("EVP_PKEY", "X509", "OPENSSL_STACK"))
    with _words(passphrase) as words:
        opened = lib.PKCS12_parse(file, words, key, one, others)
    _right(opened, "the PKCS#12 file does not open: wrong passphrase")
    certificate = _ffi.gc(one[0], lib.X509_free)
    stack = _ffi.gc(others[0], lib.OPENSSL_sk_free)
    count = max(0, lib.OPENSSL_sk_num(stack)) if stack != _ffi.NULL else 0
    held = [
        _ffi.gc(_ffi.cast("X509 *", lib.OPENSSL_sk_value(stack, place)), lib.X509_free)
        for place in range(count)
    ]
    if key[0] == _ffi.NULL or certificate == _ffi.NULL:
        raise Sm2Error("the PKCS#12 file holds no key with its certificate")
    return PrivateKey(key[0]), _der(lib.i2d_X509, certificate), [
        _der(lib.i2d_X509, ca) for ca in held
    ]  # fmt: skip


def verify(point: bytes, data: bytes, signature: bytes) -> bool:
    """Say whether a signature (DER) of the key with this point is one over some bytes."""
    lib = _library()
    key = _public(point)
    if key is None:
        return False
    with _context(key, lib.EVP_DigestVerifyInit) as context:
        said = lib.EVP_DigestVerify(context, signature, len(signature), data, len(data))
    _forget_errors(lib)
    return bool(said == 1)


def point_of(public_key_info: bytes) -> bytes:
    """Return the point of an SM2 public key (SubjectPublicKeyInfo, DER); Sm2Error if it is none."""
    point = public_key_info.removeprefix(KEY_PREFIX)
    if len(point) != POINT_BYTES or KEY_PREFIX + point != public_key_info:
        raise Sm2Error("expected an SM2 public key")
    return point


def _public(point: bytes) -> Any:  # noqa: ANN401 (a cffi pointer)
    """Return the public key of a point; None for one that is not on the curve."""
    lib = _library()
    if len(point) != POINT_BYTES:
        return None
    content = _ffi.from_buffer(KEY_PREFIX + point)
    place = _ffi.new("unsigned char const **", content)
    found = lib.d2i_PUBKEY(_ffi.NULL, place, len(content))
    if found == _ffi.NULL:
        _forget_errors(lib)
        return None
    return _ffi.gc(found, lib.EVP_PKEY_free)


@contextmanager
def _context(key: Any, begin: Callable[..., int]) -> Iterator[Any]:  # noqa: ANN401
    """Yield what one signature is made or verified in, under the usual signer's id."""
    lib = _library()
    made = lib.EVP_PKEY_CTX_new_from_pkey(_ffi.NULL, key, _ffi.NULL)
    signer = _ffi.gc(_some(made, "no context"), lib.EVP_PKEY_CTX_free)
    context = _ffi.gc(_some(lib.EVP_MD_CTX_new(), "no context"), lib.EVP_MD_CTX_free)
    lib.EVP_MD_CTX_set_pkey_ctx(context, signer)
    # Said each time: before OpenSSL 4 nothing is the default, and the signature another.
    _right(lib.EVP_PKEY_CTX_set1_id(signer, SIGNER_ID, len(SIGNER_ID)), "no signer's id")
    _right(begin(context, _ffi.NULL, lib.EVP_sm3(), _ffi.NULL, key), "no SM2 with SM3")
    yield context


@contextmanager
def _reading(content: bytes) -> Iterator[Any]:
    lib = _library()
    source = lib.BIO_new_mem_buf(_ffi.from_buffer(content), len(content))
    yield _ffi.gc(_some(source, "out of memory"), lib.BIO_free)


@contextmanager
def _words(passphrase: bytes) -> Iterator[Any]:
    """Yield a passphrase as C has it, and wipe it."""
    words = _ffi.new("char[]", passphrase)
    try:
        yield words
    finally:
        _ffi.buffer(words)[:] = bytes(len(words))


def _der(write: Callable[..., int], one: Any) -> bytes:  # noqa: ANN401
    room = _ffi.new("unsigned char[]", max(1, write(one, _ffi.NULL)))
    end = _ffi.new("unsigned char **", room)
    return bytes(_ffi.buffer(room, write(one, end)))


def _some(pointer: Any, says: str) -> Any:  # noqa: ANN401
    if pointer == _ffi.NULL:
        _forget_errors(_library())
        raise Sm2Error(says)
    return pointer


def _right(done: int, says: str) -> None:
    if done != 1:
        _forget_errors(_library())
        raise Sm2Error(says)


def _forget_errors(lib: Any) -> None:  # noqa: ANN401
    """Empty OpenSSL's queue of errors: another's question would find ours in it."""
    while lib.ERR_get_error():
        pass
