package pki_test

import (
	"errors"
	"fmt"
	"strings"

	"github.com/kyso-vn/kyso/pki"
)

func ExampleSubject_String() {
	s := pki.Subject{
		{Type: pki.Country, Value: "VN"},
		{Type: pki.CommonName, Value: "Nguyễn Văn A, O=Giả mạo"},
	}
	fmt.Println(s)
	// Output: C=VN, CN=Nguyễn Văn A\, O\=Giả mạo
}

func ExampleCode() {
	err := pki.Attribute{Type: pki.CommonName, Value: strings.Repeat("x", 65)}.Check()
	fmt.Println(errors.Is(err, pki.ErrSubjectTooLong), pki.CodeOf(err))
	// Output: true subject_too_long
}
