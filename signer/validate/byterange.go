package validate

import (
	"slices"

	"github.com/kyso-vn/kyso/signer/pdf"
)

// checkByteRange demands exactly four direct non-negative integers, from the file's first
// byte, with a gap that is exactly this dictionary's Contents by the parser's own offsets
// (ISO 32000-1, Section 12.8.1; EN 319 142-1, Section 5.1).
func (c *candidate) checkByteRange() bool {
	bad := func(code string) bool {
		c.sig.judge(Failed, FormatFailure, code)
		return false
	}
	a, ok := c.dict.Get("ByteRange").(pdf.Array)
	if !ok || len(a) != 4 {
		return bad("byterange_malformed")
	}
	for i, o := range a {
		n, ok := o.(pdf.Integer)
		if !ok || n < 0 {
			return bad("byterange_malformed")
		}
		c.byteRange[i] = int64(n)
	}
	b := c.byteRange
	if b[0] != 0 {
		return bad("byterange_start")
	}
	if b[1] > c.v.size || b[2] > c.v.size || b[3] > c.v.size || b[2]+b[3] > c.v.size || b[3] == 0 {
		return bad("byterange_outside")
	}
	if b[1] != c.contents.Start || b[2] != c.contents.End {
		return bad("byterange_gap")
	}
	// The dictionary that claims these bytes stands in them.
	span, ok := c.ind.Span(c.dict.Span)
	if !ok || span.Start >= b[1] || span.End <= b[2] || span.End > b[2]+b[3] {
		return bad("byterange_dictionary")
	}
	c.end = b[2] + b[3]
	return true
}

// checkNesting compares the ByteRanges of all signatures: each stands wholly behind what the
// one before it signs, and no two share one.
func (v *verifier) checkNesting() {
	v.order()
	var before []*candidate
	for _, c := range v.found {
		if c.end == 0 {
			continue
		}
		for _, b := range before {
			switch {
			case c.contents == b.contents || c.byteRange == b.byteRange || c.ref != (pdf.Ref{}) && c.ref == b.ref:
				c.sig.judge(Failed, FormatFailure, "byterange_shared")
				b.sig.judge(Failed, FormatFailure, "byterange_shared")
			case c.contents.Start < b.end:
				c.sig.judge(Failed, FormatFailure, "byterange_overlap")
				b.sig.judge(Failed, FormatFailure, "byterange_overlap")
			}
		}
		// Ends ascend, so only the newest of those before can reach into the next.
		before = slices.Clone([]*candidate{c})
	}
}
