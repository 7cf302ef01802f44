package pdf

import "math"

// interpreter runs one content stream.
type interpreter struct {
	x       *extractor
	res     *Dict
	g       graphics
	stack   []graphics
	tm, tlm matrix
	args    []Object
	depth   int
}

// run executes content's operators.
func (x *extractor) run(content []byte, res *Dict, g graphics, depth int) error {
	in := &interpreter{x: x, res: res, g: g, tm: identity, tlm: identity, depth: depth}
	p := &parser{lexer: lexer{buf: content, final: true}}
	for len(x.runs) < maxTextRuns {
		at := p.pos
		p.nodes = 0 // the content's size is bounded
		t, err := p.next()
		if err == nil && t.kind == tokEOF {
			return nil
		}
		if err == nil && t.kind == tokKeyword && !isLiteralWord(t) {
			if t.is("ID") {
				p.skipInlineImage()
			} else if err := in.operator(string(t.bytes)); err != nil {
				return err
			}
			in.args = in.args[:0]
			continue
		}
		var o Object
		if err == nil {
			o, _, err = p.objectFrom(t)
		}
		if err != nil { // malformed: go on behind the byte that didn't fit
			p.pos, p.depth = max(p.pos, at+1), 0
			continue
		}
		if len(in.args) < 64 {
			in.args = append(in.args, o)
		}
	}
	return nil
}

func isLiteralWord(t token) bool { return t.is("true") || t.is("false") || t.is("null") }

// skipInlineImage moves behind the EI of an inline image.
func (p *parser) skipInlineImage() {
	for i := p.pos + 1; i+2 < len(p.buf); i++ {
		if p.buf[i] == 'E' && p.buf[i+1] == 'I' && isSpace(p.buf[i-1]) && isSpace(p.buf[i+2]) {
			p.pos = i + 2
			return
		}
	}
	p.pos = len(p.buf)
}

// numbers returns the last n operands as numbers, false when they are not.
func (in *interpreter) numbers(n int) ([]float64, bool) {
	if len(in.args) < n {
		return nil, false
	}
	out := make([]float64, n)
	for i, o := range in.args[len(in.args)-n:] {
		f, ok := Number(o)
		if !ok || math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, false
		}
		out[i] = f
	}
	return out, true
}

// operator executes one operator; those that don't place text are ignored.
func (in *interpreter) operator(op string) error {
	switch op {
	case "q":
		if len(in.stack) < 256 {
			in.stack = append(in.stack, in.g)
		}
	case "Q":
		if n := len(in.stack); n > 0 {
			in.g, in.stack = in.stack[n-1], in.stack[:n-1]
		}
	case "cm":
		if v, ok := in.numbers(6); ok {
			in.g.ctm = matrix(v).mul(in.g.ctm)
		}
	case "BT":
		in.tm, in.tlm = identity, identity
	case "Tm":
		if v, ok := in.numbers(6); ok {
			in.tm, in.tlm = matrix(v), matrix(v)
		}
	case "Td", "TD":
		if v, ok := in.numbers(2); ok {
			if op == "TD" {
				in.g.leading = -v[1]
			}
			in.nextLine(v[0], v[1])
		}
	case "T*":
		in.nextLine(0, -in.g.leading)
	case "Tc", "Tw", "Tz", "TL", "Ts":
		if v, ok := in.numbers(1); ok {
			in.textState(op, v[0])
		}
	case "Tf":
		return in.setFont()
	case "gs":
		return in.extGState()
	case "Tj", "TJ", "'", "\"":
		in.showOperator(op)
	case "Do":
		return in.form()
	}
	return nil
}

func (in *interpreter) textState(op string, v float64) {
	switch op {
	case "Tc":
		in.g.charSpace = v
	case "Tw":
		in.g.wordSpace = v
	case "Tz":
		in.g.scale = v / 100
	case "TL":
		in.g.leading = v
	case "Ts":
		in.g.textRise = v
	}
}

func (in *interpreter) nextLine(x, y float64) {
	in.tlm = matrix{1, 0, 0, 1, x, y}.mul(in.tlm)
	in.tm = in.tlm
}

// showOperator handles the operators that show text (Table 109).
func (in *interpreter) showOperator(op string) {
	if len(in.args) == 0 {
		return
	}
	last := in.args[len(in.args)-1]
	switch op {
	case "\"":
		if len(in.args) >= 3 {
			if aw, ok := Number(in.args[len(in.args)-3]); ok {
				in.g.wordSpace = aw
			}
			if ac, ok := Number(in.args[len(in.args)-2]); ok {
				in.g.charSpace = ac
			}
		}
		in.nextLine(0, -in.g.leading)
	case "'":
		in.nextLine(0, -in.g.leading)
	}
	switch v := last.(type) {
	case String:
		in.show(Array{v})
	case Array:
		in.show(v)
	}
}

// show adds a run for the strings and adjustments of a TJ array.
func (in *interpreter) show(parts Array) {
	g := &in.g
	if g.font == nil {
		return
	}
	start := matrix{g.size * g.scale, 0, 0, g.size, 0, g.textRise}.mul(in.tm).mul(g.ctm)
	var text []rune
	advance := 0.0 // in text space
	for _, o := range parts {
		if adj, ok := Number(o); ok {
			// A gap of more than a quarter of an em is a space that was not
			// written.
			if adj < -250 && len(text) > 0 && text[len(text)-1] != ' ' {
				text = append(text, ' ')
			}
			advance -= adj / 1000 * g.size * g.scale
			continue
		}
		s, ok := o.(String)
		if !ok {
			continue
		}
		for _, c := range g.font.codes(s) {
			w := g.font.width(c)/1000*g.size + g.charSpace
			if c.n == 1 && c.code == ' ' {
				w += g.wordSpace
			}
			advance += w * g.scale
			text = append(text, g.font.text(c)...)
		}
	}
	in.tm = matrix{1, 0, 0, 1, advance, 0}.mul(in.tm)
	end := matrix{1, 0, 0, 1, 0, g.textRise}.mul(in.tm).mul(g.ctm)
	if len(text) == 0 || !finite(start) || !finite(end) {
		return
	}
	in.x.runs = append(in.x.runs, TextRun{Text: string(text), X: start[4], Y: start[5],
		DX: end[4] - start[4], DY: end[5] - start[5], FontSize: math.Hypot(start[2], start[3])})
}

func finite(m matrix) bool {
	for _, v := range m {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}

// resource looks a name of the last operand up in a category of resources.
func (in *interpreter) resource(category Name, name Object) (Object, error) {
	n, ok := name.(Name)
	if !ok || in.res == nil {
		return nil, nil
	}
	d, err := DictAt(in.x.s, in.res.Get(category))
	if err != nil {
		return nil, err
	}
	return d.Get(n), nil
}

func (in *interpreter) setFont() error {
	if len(in.args) < 2 {
		return nil
	}
	size, ok := Number(in.args[len(in.args)-1])
	if !ok {
		return nil
	}
	o, err := in.resource("Font", in.args[len(in.args)-2])
	if err != nil {
		return err
	}
	in.g.size = size
	in.g.font, err = in.x.font(o)
	return err
}

// extGState takes the Font of a graphics state dictionary.
func (in *interpreter) extGState() error {
	if len(in.args) == 0 {
		return nil
	}
	o, err := in.resource("ExtGState", in.args[len(in.args)-1])
	if err != nil {
		return err
	}
	d, err := DictAt(in.x.s, o)
	if err != nil {
		return err
	}
	a, err := ArrayAt(in.x.s, d.Get("Font"))
	if err != nil || len(a) != 2 {
		return err
	}
	if size, ok := Number(a[1]); ok {
		in.g.size = size
		in.g.font, err = in.x.font(a[0])
	}
	return err
}

// form runs a form XObject in the present state.
func (in *interpreter) form() error {
	if len(in.args) == 0 || in.depth >= maxFormDepth {
		return nil
	}
	o, err := in.resource("XObject", in.args[len(in.args)-1])
	if err != nil {
		return err
	}
	if o, err = in.x.s.Resolve(o); err != nil {
		return err
	}
	st, ok := o.(*Stream)
	if !ok || st.Name("Subtype") != "Form" {
		return nil
	}
	if in.x.forms++; in.x.forms > maxForms {
		return nil
	}
	g := in.g
	if m, err := ArrayAt(in.x.s, st.Get("Matrix")); err != nil {
		return err
	} else if len(m) == 6 {
		var fm matrix
		for i := range fm {
			fm[i], _ = Number(m[i])
		}
		g.ctm = fm.mul(g.ctm)
	}
	res, err := DictAt(in.x.s, st.Get("Resources"))
	if err != nil {
		return err
	}
	if res == nil {
		res = in.res // PDF 1.1
	}
	content, err := in.x.data(st)
	if err != nil {
		return err
	}
	return in.x.run(content, res, g, in.depth+1)
}
