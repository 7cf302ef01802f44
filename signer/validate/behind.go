package validate

import (
	"cmp"
	"io"
	"regexp"
	"slices"

	"github.com/kyso-vn/kyso/signer/pdf"
)

// strayBytes returns the offset behind the last bytes that an update should not have, 0 when
// there are none: anything but white space behind the file's last end-of-file marker, and
// objects that stand in an update but not in its cross-reference. Readers that mend broken
// files would show those.
func (v *verifier) strayBytes() (int64, error) {
	revisions := v.r.Revisions()
	last := len(revisions) - 1
	if end := revisions[last].EOF; end < 0 || !blank(v.src, end, v.size) {
		return v.size, nil
	}
	first := last
	for _, c := range v.found {
		if c.revision >= 0 {
			first = min(first, c.revision)
		}
	}
	for n := last; n > first; n-- {
		if err := v.ctx.Err(); err != nil {
			return 0, err
		}
		stray, err := v.strayIn(n)
		if err != nil || stray > 0 {
			return stray, err
		}
	}
	return 0, nil
}

// strayIn looks at what stands between the objects of one update.
func (v *verifier) strayIn(n int) (int64, error) {
	revisions := v.r.Revisions()
	from, to := revisions[n-1].EOF, revisions[n].EOF
	if from < 0 || to < from {
		return 0, nil // such a revision ends no signature
	}
	view := v.r.At(n)
	var spans []pdf.Span
	for num, e := range v.r.Changed(n) {
		if e.Kind != pdf.EntryPlain || e.Offset < from || e.Offset >= to {
			continue
		}
		s, ok, err := view.ObjectSpan(pdf.Ref{Num: num, Gen: e.Gen})
		if err != nil {
			return 0, err
		}
		if ok {
			spans = append(spans, s)
		}
	}
	if revisions[n].Kind == pdf.XrefStream { // which need not have an entry of its own
		spans = append(spans, pdf.Span{Start: revisions[n].XrefOffset, End: revisions[n].XrefOffset + 32})
	}
	slices.SortFunc(spans, func(a, b pdf.Span) int { return cmp.Compare(a.Start, b.Start) })
	at := from
	for _, s := range append(spans, pdf.Span{Start: to, End: to}) {
		if s.Start > at && holdsObject(v.src, at, s.Start) {
			return s.Start, nil
		}
		at = max(at, s.End)
	}
	return 0, nil
}

// objectHeader is how an indirect object begins.
var objectHeader = regexp.MustCompile(`[0-9][\x00\t\n\f\r ]+[0-9]+[\x00\t\n\f\r ]+obj`)

// holdsObject searches bytes of the file for the beginning of an object.
func holdsObject(src io.ReaderAt, from, to int64) bool {
	const chunk, lap = 64 << 10, 64
	buf := make([]byte, min(chunk, to-from))
	for from < to {
		n, err := src.ReadAt(buf[:min(int64(len(buf)), to-from)], from)
		if objectHeader.Match(buf[:n]) || err != nil && int64(n) < min(int64(len(buf)), to-from) {
			return true
		}
		if from += int64(n); from < to {
			from -= lap
		}
	}
	return false
}
