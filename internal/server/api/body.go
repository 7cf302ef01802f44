package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kyso-vn/kyso/internal/errs"
)

// maxDepth is how deeply JSON may be nested.
const maxDepth = 100

// Refusals of a body.
var (
	errBody = errs.New(errs.Invalid, "body_invalid",
		"Nội dung yêu cầu không phải JSON hợp lệ.", "The body is not valid JSON for this request.")
	errUnknownField = errs.New(errs.Invalid, "field_unknown",
		"Có trường không được hỗ trợ.", "A field is not known here.")
	errDuplicateKey = errs.New(errs.Invalid, "key_duplicate",
		"Có trường lặp lại.", "A key stands twice in an object.")
	errDepth = errs.New(errs.Invalid, "body_depth",
		"JSON lồng nhau quá sâu.", "The JSON is nested too deeply.")
	errFieldType = errs.New(errs.Invalid, "field_type",
		"Giá trị của trường không đúng kiểu.", "The field's value is of the wrong type.")
	errBodyMissing = errs.New(errs.Invalid, "body_missing",
		"Thiếu nội dung yêu cầu.", "The request has no body.")
)

// decodeBody reads a JSON body into what into points to. An empty body is an empty object
// for the type empty only.
func decodeBody(r *http.Request, into any) error {
	b, err := io.ReadAll(io.LimitReader(r.Body, maxJSON+1))
	if err != nil {
		return readFailed(err)
	}
	if len(b) > maxJSON {
		return &http.MaxBytesError{Limit: maxJSON}
	}
	if len(b) == 0 {
		if _, ok := into.(*empty); ok {
			return nil
		}
		return errBodyMissing
	}
	return decode(b, into)
}

// readFailed tells a body that is too large, which is answered as such, from one that broke
// off.
func readFailed(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return err
	}
	return errBody.Wrap(err)
}

// decode is json.Unmarshal of an object, but refuses what could mean two things: bytes that
// are not UTF-8, a key that stands twice, unknown fields, anything behind the object.
func decode(b []byte, into any) error {
	if err := checkJSON(b); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		return nil
	}
	// Causes may quote what was sent, so they are not kept.
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return errFieldType.On(e.Field)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return errUnknownField.On(strings.Trim(name, `"`))
	}
	return errBody
}

// checkJSON walks the tokens of one JSON object. Keys are compared as encoding/json matches
// them with fields, without case.
func checkJSON(b []byte) error {
	if !utf8.Valid(b) {
		return errBody
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var open []*level
	for first := true; first || len(open) > 0; first = false {
		t, err := d.Token()
		if err != nil {
			return errBody
		}
		if delim, ok := t.(json.Delim); ok && (delim == '}' || delim == ']') {
			open = open[:len(open)-1]
			continue
		}
		if first && t != json.Delim('{') {
			return errBody
		}
		if len(open) > 0 && open[len(open)-1].twice(t) {
			return errDuplicateKey.On(t.(string))
		}
		if delim, ok := t.(json.Delim); ok {
			if len(open) == maxDepth {
				return errDepth
			}
			open = append(open, newLevel(delim == '{'))
		}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errBody
	}
	return nil
}

// level is an object or array that is being read.
type level struct {
	keys map[string]bool // nil in an array
	key  bool            // a key comes next
}

func newLevel(object bool) *level {
	if !object {
		return &level{}
	}
	return &level{keys: map[string]bool{}, key: true}
}

// twice takes the next token and reports whether it is a key that was there before.
func (l *level) twice(t json.Token) bool {
	if l.keys == nil {
		return false
	}
	isKey := l.key
	l.key = !l.key
	if !isKey {
		return false
	}
	k := fold(t.(string))
	if l.keys[k] {
		return true
	}
	l.keys[k] = true
	return false
}

// fold maps every rune to the smallest of its case variants.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		for {
			next := unicode.SimpleFold(r)
			if next <= r {
				return next
			}
			r = next
		}
	}, s)
}
