package pdf

import (
	"bytes"
	"errors"
	"io"
)

// locate returns the absolute place of a stream's encoded data. Length must
// lead to an endstream; of the line ends that writers put behind "stream", the
// first with which it does is taken.
func (r *Reader) locate(st *Stream, res resolver) (Span, error) {
	o, err := res.Resolve(st.Get("Length"))
	if err != nil {
		return Span{}, err
	}
	length, ok := o.(Integer)
	if !ok || length < 0 || int64(length) > r.size-st.afterKeyword {
		return Span{}, refuseAt(Damaged, st.afterKeyword, "stream %v without a usable Length", st.ref)
	}
	head, err := r.readAt(st.afterKeyword, 16)
	if err != nil {
		return Span{}, err
	}
	for _, skip := range dataStarts(head) {
		span := Span{st.afterKeyword + int64(skip), st.afterKeyword + int64(skip) + int64(length)}
		if span.End > r.size {
			continue
		}
		ok, err := r.endstreamAt(span.End)
		if err != nil {
			return Span{}, err
		}
		if ok {
			return span, nil
		}
	}
	return Span{}, refuseAt(Damaged, st.afterKeyword, "Length of stream %v does not lead to endstream", st.ref)
}

// dataStarts lists how many bytes after "stream" data may start, the standard
// way first (ISO 32000-1, Section 7.3.8.1).
func dataStarts(head []byte) []int {
	starts := make([]int, 0, 4)
	blank := 0
	for blank < len(head) && (head[blank] == ' ' || head[blank] == '\t') {
		blank++
	}
	rest := head[blank:]
	switch {
	case bytes.HasPrefix(rest, []byte("\r\n")):
		starts = append(starts, blank+2, blank+1)
	case len(rest) > 0 && (rest[0] == '\n' || rest[0] == '\r'):
		starts = append(starts, blank+1)
	}
	return append(starts, 0)
}

// endstreamAt reports whether only white space stands between off and
// "endstream".
func (r *Reader) endstreamAt(off int64) (bool, error) {
	buf, err := r.readAt(off, 24)
	if err != nil {
		return false, err
	}
	n := 0
	for n < len(buf) && n < 4 && isSpace(buf[n]) {
		n++
	}
	return bytes.HasPrefix(buf[n:], []byte("endstream")), nil
}

// RawStream returns the place of a stream's encoded (and encrypted) data in
// the file. It is false for streams of an Update that were not written yet.
func (v *View) RawStream(st *Stream) (Span, bool, error) {
	if st.isPending {
		return Span{}, false, nil
	}
	s, err := v.r.locate(st, v)
	return s, err == nil, err
}

// StreamData implements Source.
func (v *View) StreamData(st *Stream, limit int64) ([]byte, error) {
	return streamData(v.r, st, v, limit)
}

func streamData(r *Reader, st *Stream, res resolver, limit int64) ([]byte, error) {
	data, err := r.openStream(st, res)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(data, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, refuseAt(Bomb, st.afterKeyword, "stream %v decodes to more than %d bytes", st.ref, limit)
	}
	return b, nil
}

// OpenStream returns a reader of a stream's decoded data of any length; the
// caller bounds what it takes.
func (v *View) OpenStream(st *Stream) (io.Reader, error) { return v.r.openStream(st, v) }

// openStream sets up decryption and the chain of filters.
func (r *Reader) openStream(st *Stream, res resolver) (io.Reader, error) {
	filters, err := streamFilters(st, res)
	if err != nil {
		return nil, err
	}
	var data io.Reader
	if st.isPending {
		data = bytes.NewReader(st.pending)
	} else {
		span, err := r.locate(st, res)
		if err != nil {
			return nil, err
		}
		data = io.NewSectionReader(r.src, span.Start, span.Len())
		if r.crypt != nil && !st.noCrypt {
			if data, err = r.crypt.streamReader(data, st, filters); err != nil {
				return nil, err
			}
		}
	}
	for _, f := range filters {
		if data, err = f.reader(data); err != nil {
			return nil, decodeError(st, err)
		}
	}
	return &decodedReader{data, st}, nil
}

// decodedReader gives the errors of decoders a code.
type decodedReader struct {
	data io.Reader
	st   *Stream
}

func (d *decodedReader) Read(b []byte) (int, error) {
	n, err := d.data.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		err = decodeError(d.st, err)
	}
	return n, err
}

func decodeError(st *Stream, err error) error {
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	return &Error{Reason: Damaged, Detail: "decode stream " + st.ref.String(), Offset: st.afterKeyword, Err: err}
}

// filter is one stage of decoding with its parameters.
type filter struct {
	name  Name
	parms *Dict
	// Parameters resolved beforehand.
	predictor, colors, bpc, columns int
	earlyChange                     bool
	cryptName                       Name
}

// maxFilters bounds filter chains; real ones have one or two stages.
const maxFilters = 8

// streamFilters reads Filter and DecodeParms (ISO 32000-1, Table 5) and their
// short forms in inline images' style.
func streamFilters(st *Stream, res resolver) ([]filter, error) {
	names, err := listOf(st.Get("Filter"), res)
	if err != nil {
		return nil, err
	}
	parms, err := listOf(st.Get("DecodeParms"), res)
	if err != nil {
		return nil, err
	}
	if len(names) > maxFilters {
		return nil, refuseAt(TooDeep, st.afterKeyword, "stream %v with %d filters", st.ref, len(names))
	}
	if st.Has("F") {
		return nil, refuseAt(UnsupportedFilter, st.afterKeyword, "data of stream %v is in another file", st.ref)
	}
	filters := make([]filter, len(names))
	for i, o := range names {
		n, ok := o.(Name)
		if !ok {
			return nil, refuseAt(Damaged, st.afterKeyword, "stream %v with a Filter that is no name", st.ref)
		}
		f := filter{name: n, predictor: 1, colors: 1, bpc: 8, columns: 1, earlyChange: true}
		if i < len(parms) {
			if d, ok := parms[i].(*Dict); ok {
				if err := f.readParms(d, res); err != nil {
					return nil, err
				}
			}
		}
		filters[i] = f
	}
	return filters, nil
}

func (f *filter) readParms(d *Dict, res resolver) error {
	f.parms = d
	early := 1
	for _, p := range []struct {
		key Name
		to  *int
	}{{"Predictor", &f.predictor}, {"Colors", &f.colors}, {"BitsPerComponent", &f.bpc}, {"Columns", &f.columns}, {"EarlyChange", &early}} {
		o, err := res.Resolve(d.Get(p.key))
		if err != nil {
			return err
		}
		if o == nil {
			continue
		}
		n, ok := o.(Integer)
		if !ok || n < 0 || n > 1<<24 {
			return refuse(Damaged, "filter parameter %s out of range", p.key)
		}
		*p.to = int(n)
	}
	f.earlyChange = early != 0
	o, err := res.Resolve(d.Get("Name"))
	if err != nil {
		return err
	}
	f.cryptName, _ = o.(Name)
	return nil
}

// listOf resolves o to an array's resolved elements; a single object is a list
// of one.
func listOf(o Object, res resolver) (Array, error) {
	o, err := res.Resolve(o)
	if err != nil || o == nil {
		return nil, err
	}
	a, ok := o.(Array)
	if !ok {
		return Array{o}, nil
	}
	out := make(Array, len(a))
	for i := range a {
		if out[i], err = res.Resolve(a[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}
