package pdf

import "slices"

// Editor changes a dictionary, or an array, inside an indirect object by
// splicing its original bytes: other keys, their order and their formatting
// stay as they are.
type Editor struct {
	u    *Update
	ref  Ref
	path []Name // of direct dictionaries from the object's own value
}

// Edit returns an Editor of an indirect object that is a dictionary, a stream
// (its dictionary) or an array. Nothing is written before the first change.
func (u *Update) Edit(ref Ref) (*Editor, error) {
	ind, err := u.Load(ref)
	if err != nil {
		return nil, err
	}
	if _, isArray := ind.Value.(Array); ind.Dict() == nil && !isArray {
		return nil, refuse(TypeMismatch, "object %v is no dictionary or array", ref)
	}
	return &Editor{u: u, ref: ref}, nil
}

// Ref returns the indirect object that the Editor changes a part of.
func (e *Editor) Ref() Ref { return e.ref }

// Dict returns the dictionary as it is now, nil for an array.
func (e *Editor) Dict() (*Dict, error) {
	ind, err := e.u.Load(e.ref)
	if err != nil {
		return nil, err
	}
	return descend(ind.Value, e.path), nil
}

func descend(o Object, path []Name) *Dict {
	d := DictOf(o)
	for _, key := range path {
		d = DictOf(d.Get(key))
	}
	return d
}

// Get returns the resolved value of key as it is now.
func (e *Editor) Get(key Name) (Object, error) {
	d, err := e.Dict()
	if err != nil {
		return nil, err
	}
	return e.u.Resolve(d.Get(key))
}

// Set gives key a value; of a key that stands twice one entry is left.
func (e *Editor) Set(key Name, value Object) error {
	b, err := AppendObject(nil, value, e.u.r.crypt.stringEncrypter(e.ref))
	if err != nil {
		return err
	}
	return e.change(func(raw []byte, o Object) ([]byte, error) { return spliceSet(raw, descend(o, e.path), key, b) })
}

// Delete removes key.
func (e *Editor) Delete(key Name) error {
	return e.change(func(raw []byte, o Object) ([]byte, error) { return spliceDelete(raw, descend(o, e.path), key) })
}

// Sub returns an Editor of the dictionary under key: of the indirect object
// when the value is a reference, of the direct dictionary otherwise. A missing
// one is made, empty and direct.
func (e *Editor) Sub(key Name) (*Editor, error) {
	d, err := e.Dict()
	if err != nil {
		return nil, err
	}
	switch v := d.Get(key).(type) {
	case Ref:
		ind, err := e.u.last(v)
		if err != nil {
			return nil, err
		}
		if ind.Dict() != nil {
			return &Editor{u: e.u, ref: ind.Ref}, nil
		}
		if ind.Value != nil {
			return nil, refuse(TypeMismatch, "%s is no dictionary", key)
		}
		if err := e.Set(key, Map{}); err != nil {
			return nil, err
		}
	case *Dict:
	case nil:
		if err := e.Set(key, Map{}); err != nil {
			return nil, err
		}
	default:
		return nil, refuse(TypeMismatch, "%s is no dictionary", key)
	}
	path := append(append([]Name(nil), e.path...), key)
	return &Editor{u: e.u, ref: e.ref, path: path}, nil
}

// Append adds values to the end of the array under key, which may be direct or
// indirect; a missing one is made.
func (e *Editor) Append(key Name, values ...Object) error {
	d, err := e.Dict()
	if err != nil {
		return err
	}
	v := d.Get(key)
	if ref, ok := v.(Ref); ok {
		ind, err := e.u.last(ref)
		if err != nil {
			return err
		}
		switch ind.Value.(type) {
		case Array:
			return (&Editor{u: e.u, ref: ind.Ref}).AppendItems(values...)
		case nil:
			v = nil
		default:
			return refuse(TypeMismatch, "%s is no array", key)
		}
	}
	switch v.(type) {
	case nil:
		return e.Set(key, Array(values))
	case Array:
	default:
		return refuse(TypeMismatch, "%s is no array", key)
	}
	b, err := e.items(values)
	if err != nil {
		return err
	}
	return e.change(func(raw []byte, o Object) ([]byte, error) {
		entry := descend(o, e.path).Entry(key)
		if entry == nil {
			return nil, refuse(TypeMismatch, "%s is no array", key)
		}
		at := entry.ValueSpan.End - 1
		return splice(raw, Span{at, at}, b), nil
	})
}

// AppendItems adds values to the end of an array object.
func (e *Editor) AppendItems(values ...Object) error {
	b, err := e.items(values)
	if err != nil {
		return err
	}
	return e.change(func(raw []byte, _ Object) ([]byte, error) {
		if len(raw) < 2 || raw[0] != '[' || raw[len(raw)-1] != ']' {
			return nil, refuse(TypeMismatch, "object %v is no array", e.ref)
		}
		at := int64(len(raw) - 1)
		return splice(raw, Span{at, at}, b), nil
	})
}

func (e *Editor) items(values []Object) ([]byte, error) {
	var b []byte
	for i, v := range values {
		if i > 0 {
			b = append(b, ' ')
		}
		var err error
		if b, err = AppendObject(b, v, e.u.r.crypt.stringEncrypter(e.ref)); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// change applies f to the object's bytes; o is what they say, its spans count in raw.
func (e *Editor) change(f func(raw []byte, o Object) ([]byte, error)) error {
	p, err := e.u.materialize(e.ref)
	if err != nil {
		return err
	}
	if p == e.u.sig {
		return refuse(TypeMismatch, "a signature dictionary can't be changed")
	}
	ind, err := e.u.Load(e.ref)
	if err != nil {
		return err
	}
	raw, err := f(p.raw, ind.Value)
	if err != nil {
		return err
	}
	p.raw, p.parsed = raw, nil
	return nil
}

// last follows objects that are nothing but references to the object that is something.
func (u *Update) last(ref Ref) (*Indirect, error) {
	for range maxResolve {
		ind, err := u.Load(ref)
		if err != nil {
			return nil, err
		}
		next, ok := ind.Value.(Ref)
		if !ok {
			return ind, nil
		}
		ref = next
	}
	return nil, refuse(Loop, "references lead to one another without end")
}

// materialize makes an object of the file one that will be written.
func (u *Update) materialize(ref Ref) (*pending, error) {
	if p, ok := u.objects[ref.Num]; ok && p.ref == ref && p.raw != nil {
		return p, nil
	}
	ind, err := u.view.Load(ref)
	if err != nil {
		return nil, err
	}
	if ind.Missing {
		return nil, refuse(TypeMismatch, "object %v does not exist", ref)
	}
	p := &pending{ref: ref, raw: ind.Raw}
	if st, ok := ind.Value.(*Stream); ok {
		p.isStream, p.original = true, st
	}
	p.parsed = ind
	// Strings in object streams are plain; outside they must be encrypted.
	if enc := u.r.crypt.stringEncrypter(ref); enc != nil && ind.Offset < 0 {
		if p.raw, err = encryptStrings(ind.Raw, enc); err != nil {
			return nil, err
		}
		p.parsed = nil
	}
	u.objects[ref.Num] = p
	return p, nil
}

// encryptStrings replaces every string of an object by its encrypted form.
func encryptStrings(raw []byte, enc func([]byte) ([]byte, error)) ([]byte, error) {
	var out []byte
	l := lexer{buf: raw, final: true}
	copied := 0
	for {
		t, err := l.next()
		if err != nil {
			return nil, err
		}
		if t.kind == tokEOF {
			return append(out, raw[copied:]...), nil
		}
		if t.kind != tokString {
			continue
		}
		b, err := enc(t.bytes)
		if err != nil {
			return nil, err
		}
		out = append(out, raw[copied:t.start]...)
		out = appendHexString(out, b)
		copied = t.end
	}
}

// splice replaces a span; white space keeps words apart.
func splice(raw []byte, at Span, repl []byte) []byte {
	out := make([]byte, 0, len(raw)+len(repl)+2)
	out = append(out, raw[:at.Start]...)
	return appendApart(appendApart(out, repl), raw[at.End:])
}

// spliceSet sets a key of the dictionary d inside raw.
func spliceSet(raw []byte, d *Dict, key Name, value []byte) ([]byte, error) {
	if d == nil {
		return nil, refuse(TypeMismatch, "no dictionary to change")
	}
	last := -1
	for i := len(d.Entries) - 1; i >= 0; i-- {
		if e := d.Entries[i]; e.Key == key {
			if last < 0 {
				last = i
				raw = splice(raw, e.ValueSpan, value)
			} else {
				raw = splice(raw, Span{e.KeySpan.Start, e.ValueSpan.End}, nil)
			}
		}
	}
	if last >= 0 {
		return raw, nil
	}
	at := d.Span.End - int64(len(">>"))
	entry := append(appendName(nil, key), ' ')
	return splice(raw, Span{at, at}, append(entry, value...)), nil
}

// spliceDelete removes a key of the dictionary d inside raw.
func spliceDelete(raw []byte, d *Dict, key Name) ([]byte, error) {
	if d == nil {
		return nil, refuse(TypeMismatch, "no dictionary to change")
	}
	for i := len(d.Entries) - 1; i >= 0; i-- {
		if e := d.Entries[i]; e.Key == key {
			raw = splice(raw, Span{e.KeySpan.Start, e.ValueSpan.End}, nil)
		}
	}
	return raw, nil
}

// rawEntry is a key with its value as it is to be written; nil deletes the key.
type rawEntry struct {
	key   Name
	value []byte
}

// spliceAll sets and deletes keys of the dictionary d inside raw, in one pass.
func spliceAll(raw []byte, d *Dict, set []rawEntry) []byte {
	end := d.Span.End - int64(len(">>"))
	out := make([]byte, 0, len(raw)+256)
	done := make(map[Name]bool, len(set))
	copied := int64(0)
	keep := func(to int64) { out = appendApart(out, raw[copied:to]) }
	// 1. What is there; of a key that stands twice the last is kept.
	for i, e := range d.Entries {
		j := slices.IndexFunc(set, func(s rawEntry) bool { return s.key == e.Key })
		if j < 0 {
			continue
		}
		again := slices.ContainsFunc(d.Entries[i+1:], func(later Entry) bool { return later.Key == e.Key })
		if again || set[j].value == nil {
			keep(e.KeySpan.Start)
		} else {
			keep(e.ValueSpan.Start)
			out = appendApart(out, set[j].value)
			done[e.Key] = true
		}
		copied = e.ValueSpan.End
	}
	keep(end)
	copied = end
	// 2. What is new.
	for _, s := range set {
		if !done[s.key] && s.value != nil {
			out = append(appendName(out, s.key), ' ')
			out = append(out, s.value...)
		}
	}
	keep(int64(len(raw)))
	return out
}

// appendApart appends b, apart from what is before by a space where both are regular.
func appendApart(out, b []byte) []byte {
	if len(out) > 0 && len(b) > 0 && charClass[out[len(out)-1]] == classRegular && charClass[b[0]] == classRegular {
		out = append(out, ' ')
	}
	return append(out, b...)
}
