package pdf

import "bytes"

// quiet reports that no object of a small file can hold active content, without parsing any:
// none of the names that ActiveContent looks for stands anywhere in the bytes that objects are
// read from. That a name is there says nothing yet, it may be text.
func (v *View) quiet() (bool, error) {
	if !v.r.whole() {
		return false, nil
	}
	// 1. The bytes of plain objects: from the first one to the end of the file.
	from := v.r.size
	containers := make(map[uint32]bool)
	for _, e := range v.Objects() {
		if e.Kind == EntryPlain {
			from = min(from, e.Offset)
		} else {
			containers[e.Container] = true
		}
	}
	data, err := v.r.readAt(from, int(v.r.size-from))
	if err != nil || suspicious(data) {
		return false, err
	}
	// 2. Those of object streams.
	for num := range containers {
		e, ok := v.Entry(num)
		if !ok || e.Kind != EntryPlain {
			return false, nil // the full search says what is wrong
		}
		ind, err := v.Load(Ref{num, e.Gen})
		if err != nil {
			return false, err
		}
		s, err := v.objectStream(ind)
		if err != nil || suspicious(s.data) {
			return false, err
		}
	}
	return true, nil
}

// mayAct are the bytes that the names of suspicious begin with; an escape may stand for any.
var mayAct = func() (m [256]bool) {
	for _, c := range []byte("JLSIRMG3XFU#") {
		m[c] = true
	}
	return m
}()

// suspicious reports whether b has a name that ActiveContent looks for.
func suspicious(b []byte) bool {
	for {
		i := bytes.IndexByte(b, '/')
		if i < 0 {
			return false
		}
		b = b[i+1:]
		if len(b) == 0 || !mayAct[b[0]] {
			continue
		}
		n := 0
		escaped := false
		for n < len(b) && charClass[b[n]] == classRegular {
			escaped = escaped || b[n] == '#'
			n++
		}
		name := b[:n]
		if escaped {
			t, err := (&lexer{buf: append([]byte{'/'}, name...), final: true}).name()
			if err != nil {
				return true
			}
			name = t.bytes
		}
		switch string(name) {
		case "JS", "JavaScript", "Launch", "SubmitForm", "ImportData", "Rendition", "Movie", "Sound", "RichMedia", "RichMediaExecute",
			"GoTo3DView", "GoToR", "GoToE", "3D", "Screen", "XFA", "FFilter", "URL", "Ref":
			return true
		case "F":
			if !flagsFollow(b[n:]) {
				return true
			}
		}
		b = b[n:]
	}
}

// flagsFollow reports whether a plain integer follows, as behind the F of an annotation; the F
// of a stream in another file is a string, a dictionary or a reference.
func flagsFollow(b []byte) bool {
	l := lexer{buf: b[:min(len(b), 64)], final: true}
	p := parser{lexer: l}
	o, _, err := p.object()
	_, ok := o.(Integer)
	return err == nil && ok
}
