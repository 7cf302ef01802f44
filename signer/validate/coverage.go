package validate

import (
	"io"

	"github.com/kyso-vn/kyso/signer/pdf"
)

// checkCoverage finds the revision whose end the signed bytes reach. They must end at its
// end-of-file marker, and nothing that the revision reads may stand behind them.
func (c *candidate) checkCoverage() bool {
	v := c.v
	c.sig.Coverage = ContiguousBlock
	revisions := v.r.Revisions()
	c.revision = -1
	for n, rev := range revisions {
		if rev.EOF >= 0 && rev.EOF <= c.end {
			c.revision = n
		}
	}
	if c.revision < 0 || !c.endsAtMarker(revisions[c.revision].EOF) {
		c.revision = -1
		c.sig.judge(Failed, FormatFailure, "coverage_no_eof")
		return false
	}
	c.sig.Revision = c.revision + 1
	if !c.selfContained(v.r.At(c.revision)) {
		c.sig.Coverage = Unclear
		c.sig.judge(Failed, FormatFailure, "coverage_reads_behind")
		return false
	}
	c.sig.Coverage = EntireRevision
	if c.end == v.size {
		c.sig.Coverage = EntireFile
	}
	return true
}

// endsAtMarker reports whether between the marker and the end of the signed bytes there is
// white space only; the signer of a whole file has signed what stands there.
func (c *candidate) endsAtMarker(eof int64) bool {
	if c.end == c.v.size {
		return true
	}
	return c.end-eof <= 64 && blank(c.v.src, eof, c.end)
}

// blank reports whether the bytes are white space or zero.
func blank(src io.ReaderAt, from, to int64) bool {
	buf := make([]byte, min(4096, to-from))
	for from < to {
		n, err := src.ReadAt(buf[:min(int64(len(buf)), to-from)], from)
		for _, b := range buf[:n] {
			switch b {
			case 0, '\t', '\n', '\f', '\r', ' ':
			default:
				return false
			}
		}
		if from += int64(n); err != nil && from < to {
			return false
		}
	}
	return true
}

// selfContained reports whether every object of the revision stands in the signed bytes: not
// behind them, where a later writer puts what he likes, and not in the gap.
func (c *candidate) selfContained(view *pdf.View) bool {
	for _, e := range view.Objects() {
		if e.Kind == pdf.EntryPlain && (e.Offset >= c.end || e.Offset >= c.contents.Start && e.Offset < c.contents.End) {
			return false
		}
	}
	for _, rev := range c.v.r.Revisions()[:c.revision+1] {
		if rev.XrefOffset >= c.end {
			return false
		}
	}
	return true
}
