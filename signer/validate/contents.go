package validate

import (
	"github.com/kyso-vn/kyso/pki/cms"
	"github.com/kyso-vn/kyso/signer/pdf"
)

// checkContents demands a direct, non-empty hexadecimal string with one DER element and only
// zeros behind it.
func (c *candidate) checkContents() bool {
	bad := func(code string) bool {
		c.sig.judge(Failed, FormatFailure, code)
		return false
	}
	e := c.dict.Entry("Contents")
	if e == nil {
		return bad("contents_missing")
	}
	value, ok := e.Value.(pdf.String)
	if !ok {
		return bad("contents_indirect")
	}
	span, ok := c.ind.Span(e.ValueSpan)
	if !ok || e.ValueSpan.End > int64(len(c.ind.Raw)) {
		return bad("contents_hidden")
	}
	if raw := c.ind.Raw[e.ValueSpan.Start:e.ValueSpan.End]; raw[0] != '<' {
		return bad("contents_not_hex")
	}
	c.contents = span
	if len(value) == 0 {
		return bad("contents_empty")
	}
	der, rest, err := c.split([]byte(value))
	if err != nil {
		return bad("contents_not_der")
	}
	for _, b := range rest {
		if b != 0 {
			return bad("contents_trailing")
		}
	}
	c.der = der
	return true
}

// split cuts the signature off from its padding. Old files have BER of indefinite length.
func (c *candidate) split(b []byte) (element, rest []byte, err error) {
	if c.old() && len(b) > 1 && b[1] == 0x80 {
		n := berLength(b, 0)
		if n == 0 {
			return nil, nil, cms.ErrMalformed
		}
		return b[:n], b[n:], nil
	}
	return cms.Split(b)
}

// old says that the signature is of the kind before PAdES.
func (c *candidate) old() bool { return c.sig.SubFilter == "adbe.pkcs7.detached" }

// berLength returns the length of the BER element at the start of b, 0 when it is cut off
// or nested too deep (X.690, Section 8.1.3).
func berLength(b []byte, depth int) int {
	if len(b) < 2 || depth > 48 || b[0]&0x1f == 0x1f {
		return 0
	}
	if b[1] != 0x80 {
		element, _, err := cms.Split(b)
		if err != nil {
			return 0
		}
		return len(element)
	}
	n := 2
	for {
		if len(b) >= n+2 && b[n] == 0 && b[n+1] == 0 {
			return n + 2
		}
		if n >= len(b) {
			return 0
		}
		inner := berLength(b[n:], depth+1)
		if inner == 0 {
			return 0
		}
		n += inner
	}
}
