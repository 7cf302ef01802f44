package p11

/*
#include <stdlib.h>

// CK_ATTRIBUTE of PKCS#11 v2.40, Section 3.4, as Unix compilers lay it out.
typedef struct {
	unsigned long type;
	void *pValue;
	unsigned long ulValueLen;
} kyso_attribute;
*/
import "C"

import (
	"unsafe"

	"github.com/miekg/pkcs11"
)

// nested is an attribute whose value is itself a template (CKF_ARRAY_ATTRIBUTE),
// which pkcs11.NewAttribute cannot build. The array and its values live in C
// memory, since the library follows the pointers inside; call free after the
// call that uses it.
func nested(typ uint, template []*pkcs11.Attribute) (attr *pkcs11.Attribute, free func()) {
	array := C.calloc(C.size_t(len(template)), C.sizeof_kyso_attribute)
	cells := unsafe.Slice((*C.kyso_attribute)(array), len(template))
	for i, a := range template {
		cells[i] = C.kyso_attribute{_type: C.ulong(a.Type), pValue: C.CBytes(a.Value), ulValueLen: C.ulong(len(a.Value))}
	}
	free = func() {
		for _, c := range cells {
			C.free(c.pValue)
		}
		C.free(array)
	}
	return &pkcs11.Attribute{Type: typ, Value: unsafe.Slice((*byte)(array), len(template)*C.sizeof_kyso_attribute)}, free
}

// mechanismList is the value of CKA_ALLOWED_MECHANISMS: an array of
// CK_MECHANISM_TYPE (CK_ULONG) in the machine's order.
func mechanismList(mechanisms ...uint) *pkcs11.Attribute {
	var value []byte
	for _, m := range mechanisms {
		ul := C.ulong(m)
		value = append(value, unsafe.Slice((*byte)(unsafe.Pointer(&ul)), unsafe.Sizeof(ul))...)
	}
	return &pkcs11.Attribute{Type: pkcs11.CKA_ALLOWED_MECHANISMS, Value: value}
}

// ulong reads a CK_ULONG value; ok is false when its length is another.
func ulong(value []byte) (n uint, ok bool) {
	var ul C.ulong
	if len(value) != int(unsafe.Sizeof(ul)) {
		return 0, false
	}
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&ul)), unsafe.Sizeof(ul)), value)
	return uint(ul), true
}
