package pdf

import "unicode/utf16"

// cmap is a ToUnicode map (Section 9.10.3).
type cmap struct {
	chars  map[uint32][]rune
	ranges []cmapRange
}

type cmapRange struct {
	low, high uint32
	text      []uint16 // of low; the last unit counts up
}

const maxCMapEntries = 1 << 17

func (m *cmap) lookup(code uint32) ([]rune, bool) {
	if t, ok := m.chars[code]; ok {
		return t, true
	}
	for _, r := range m.ranges {
		if code >= r.low && code <= r.high && len(r.text) > 0 {
			u := append([]uint16(nil), r.text...)
			u[len(u)-1] += uint16(code - r.low)
			t := utf16.Decode(u)
			m.chars[code] = t // files have many ranges; the next look is quick
			return t, true
		}
	}
	return nil, false
}

// parseCMap reads bfchar and bfrange sections; what is malformed is left out.
func parseCMap(b []byte) *cmap {
	m := &cmap{chars: make(map[uint32][]rune)}
	p := &parser{lexer: lexer{buf: b, final: true}}
	var args []Object
	for len(m.chars)+len(m.ranges) < maxCMapEntries {
		at := p.pos
		p.nodes = 0 // the map's size is bounded
		t, err := p.next()
		if err == nil && t.kind == tokEOF {
			break
		}
		if err == nil && t.kind == tokKeyword {
			switch string(t.bytes) {
			case "endbfchar":
				m.addChars(args)
			case "endbfrange":
				m.addRanges(args)
			}
			args = args[:0]
			continue
		}
		var o Object
		if err == nil {
			o, _, err = p.objectFrom(t)
		}
		if err != nil {
			p.pos, p.depth = max(p.pos, at+1), 0
			continue
		}
		args = append(args, o)
	}
	return m
}

func (m *cmap) addChars(args []Object) {
	for i := 0; i+1 < len(args); i += 2 {
		code, ok1 := args[i].(String)
		text, ok2 := args[i+1].(String)
		if ok1 && ok2 && len(code) <= 4 {
			m.chars[codeOf(code)] = utf16.Decode(units(text))
		}
	}
}

func (m *cmap) addRanges(args []Object) {
	for i := 0; i+2 < len(args); i += 3 {
		low, ok1 := args[i].(String)
		high, ok2 := args[i+1].(String)
		if !ok1 || !ok2 || len(low) > 4 || len(high) > 4 {
			continue
		}
		switch v := args[i+2].(type) {
		case String:
			m.ranges = append(m.ranges, cmapRange{codeOf(low), codeOf(high), units(v)})
		case Array:
			for j, o := range v {
				if s, ok := o.(String); ok && len(m.chars) < maxCMapEntries {
					m.chars[codeOf(low)+uint32(j)] = utf16.Decode(units(s))
				}
			}
		}
	}
}

func codeOf(s String) uint32 { return uint32(bigEndian([]byte(s))) }

// units splits UTF-16BE; a single byte is a unit of its own.
func units(s String) []uint16 {
	if len(s) == 1 {
		return []uint16{uint16(s[0])}
	}
	u := make([]uint16, 0, len(s)/2)
	for i := 0; i+1 < len(s); i += 2 {
		u = append(u, uint16(s[i])<<8|uint16(s[i+1]))
	}
	return u
}
