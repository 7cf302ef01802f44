package pdf

import "bytes"

// Revision is one state of the file: the original or an incremental update.
// The two cross-reference sections of a linearised file are one revision.
type Revision struct {
	// XrefOffset is the absolute offset of the newest cross-reference section.
	XrefOffset int64
	Kind       XrefKind
	// EOF is the absolute offset behind the revision's %%EOF, or -1 when none
	// stands where it should.
	EOF int64
	// End is EOF, and an end-of-line marker behind it.
	End int64
	// StartXref is the number behind the revision's startxref, -1 when EOF is.
	StartXref int64
	section   *section
	top       int // index of its newest section in Reader.sections
	bottom    int // index of its oldest
}

// Revisions returns the revisions, oldest first.
func (r *Reader) Revisions() []Revision { return r.revisions }

// Changed returns the cross-reference entries that revision n adds, by
// ascending number for each of its sections.
func (r *Reader) Changed(n int) map[uint32]XrefEntry {
	rev := r.revisions[n]
	m := make(map[uint32]XrefEntry)
	for i := rev.bottom; i <= rev.top; i++ {
		for _, p := range r.sections[i].entries {
			m[p.num] = p.entry()
		}
	}
	return m
}

// History is an object's entry in one revision that mentions it.
type History struct {
	Revision int
	Entry    XrefEntry
}

// History returns what each revision says about an object number, oldest
// first; revisions that don't mention it are left out.
func (r *Reader) History(num uint32) []History {
	var h []History
	for n, rev := range r.revisions {
		for i := rev.top; i >= rev.bottom; i-- {
			if p, ok := lookupEntry(r.sections[i].entries, num); ok {
				h = append(h, History{n, p.entry()})
				break
			}
		}
	}
	return h
}

// buildRevisions groups sections and finds each revision's end. A section
// that stands behind the one that leads to it can't be an older state of the
// file: both are one revision, as in linearised files.
func (r *Reader) buildRevisions(t tail) error {
	for i := 0; i < len(r.sections); {
		j, furthest := i, r.sections[i]
		for j+1 < len(r.sections) && r.sections[j+1].offset < furthest.offset {
			j++
		}
		rev := Revision{XrefOffset: r.sections[j].offset, Kind: r.sections[j].kind,
			section: r.sections[j], top: j, bottom: i, EOF: -1, End: -1, StartXref: -1}
		last := j+1 == len(r.sections)
		if last {
			rev.EOF, rev.StartXref = t.eof, t.value
		} else if end, ok, err := r.revisionEnd(furthest.end); err != nil {
			return err
		} else if ok {
			rev.EOF, rev.StartXref = end.eof, end.value
		}
		if rev.EOF >= 0 {
			eol, err := r.readAt(rev.EOF, 2)
			if err != nil {
				return err
			}
			rev.End = rev.EOF + int64(eolLen(eol))
		}
		r.revisions = append(r.revisions, rev)
		i = j + 1
	}
	return nil
}

// eolLen returns the length of the end-of-line marker that b starts with.
func eolLen(b []byte) int {
	switch {
	case bytes.HasPrefix(b, []byte("\r\n")):
		return 2
	case len(b) > 0 && (b[0] == '\n' || b[0] == '\r'):
		return 1
	}
	return 0
}

// revisionEnd reads startxref and %%EOF behind a section.
func (r *Reader) revisionEnd(off int64) (tail, bool, error) {
	buf, err := r.readAt(off, 1024)
	if err != nil {
		return tail{}, false, err
	}
	n := 0
	for n < len(buf) && isSpace(buf[n]) {
		n++
	}
	if !bytes.HasPrefix(buf[n:], []byte("startxref")) {
		return tail{}, false, nil
	}
	t, err := parseTail(buf[n:], off+int64(n))
	return t, err == nil, nil
}

// firstSection reads the newest section. A startxref that
// misses it by little is followed only to a section that ends where the
// startxref stands, and only when there is one such section.
func (r *Reader) firstSection(t tail) (*section, error) {
	const window = 1024
	off := t.value + r.base
	s, err := r.readOneSection(off)
	if err == nil || reasonOf(err) != XrefMissing {
		return s, err
	}
	from := max(0, off-window)
	if from >= r.size {
		return nil, err
	}
	buf, rerr := r.readAt(from, 2*window)
	if rerr != nil {
		return nil, rerr
	}
	var found *section
	for i := range buf {
		if !sectionMayStart(buf, i) {
			continue
		}
		s, serr := r.readOneSection(from + int64(i))
		if serr != nil || s.end > t.keyword || t.keyword-s.end > window {
			continue
		}
		gap, gerr := r.readAt(s.end, int(t.keyword-s.end))
		if gerr != nil || len(bytes.TrimSpace(gap)) != 0 {
			continue
		}
		if found != nil {
			return nil, err
		}
		found = s
	}
	if found == nil {
		return nil, err
	}
	return found, nil
}

// sectionMayStart reports whether "xref" or "12 0 obj" starts at buf[i], at the
// beginning of a line.
func sectionMayStart(buf []byte, i int) bool {
	if i > 0 && buf[i-1] != '\n' && buf[i-1] != '\r' {
		return false
	}
	rest := buf[i:]
	if bytes.HasPrefix(rest, []byte("xref")) {
		return true
	}
	p := parser{lexer: lexer{buf: rest, final: true}}
	if len(rest) == 0 || rest[0] < '0' || rest[0] > '9' {
		return false
	}
	_, err := p.header()
	return err == nil
}

// probe checks that the newest trailer's Root is where the sections say, which
// tells whether offsets are counted from the right place.
func (r *Reader) probe() error {
	newest := r.sections[len(r.sections)-1]
	root, ok := newest.trailer.Get("Root").(Ref)
	if !ok {
		return refuseAt(Damaged, newest.trailerOff, "trailer without Root")
	}
	v := &View{r: r, top: len(r.sections) - 1}
	e, ok := v.Entry(root.Num)
	num := root.Num
	if ok && e.Kind == EntryCompressed {
		num = e.Container
		e, ok = v.Entry(num)
	}
	if !ok || e.Kind != EntryPlain {
		return refuseAt(Damaged, newest.trailerOff, "the catalog %v is not in the cross-reference", root)
	}
	ref, err := r.headerAt(e.Offset)
	if err != nil {
		return err
	}
	if ref.Num != num {
		return refuseAt(Damaged, e.Offset, "object %v where the cross-reference places %d", ref, num)
	}
	return nil
}
