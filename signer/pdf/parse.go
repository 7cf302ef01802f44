package pdf

// ParseObject reads one object from b, which holds nothing else but white space and
// comments. Spans in it count from b[0]. It is for objects that are made elsewhere, as text.
func ParseObject(b []byte) (Object, error) {
	p := &parser{lexer: lexer{buf: b, final: true}}
	o, _, err := p.object()
	if err != nil {
		return nil, err
	}
	if err := p.skipSpace(); err != nil {
		return nil, err
	}
	if p.pos != len(b) {
		return nil, &Error{Reason: Damaged, Detail: "something stands behind the object", Offset: int64(p.pos)}
	}
	return o, nil
}
