package appearance_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"github.com/kyso-vn/kyso/signer/appearance"
)

// specs has a good Spec of every shape.
var specs = map[string]string{
	"leader by anchor":  `{"kind":"leader","image":"ky.png","anchor":{"post":"CHỦ TỊCH","name":"Nguyễn Văn An"}}`,
	"leader by rect":    `{"kind":"leader","image":"ky.png","page":-1,"rect":[300,120,470,190],"unit":"pt"}`,
	"seal over a field": `{"kind":"seal","image":"dau.png","diameter_mm":36,"over":"Signature1"}`,
	"seal by rect":      `{"kind":"seal","image":"dau.png","diameter_mm":36,"rect":[80,40,116,76],"unit":"mm"}`,
	"text":              `{"kind":"text","number":"12/QĐ-UBND"}`,
	"lines":             `{"kind":"text","lines":["Phụ lục I","{time}"],"page":2}`,
	"copy":              `{"kind":"copy","copy":"SAO Y","agency":"Sở Khoa học và Công nghệ"}`,
	"initial":           `{"kind":"initial","image":"nhay.png","anchor":{"end":true}}`,
	"invisible initial": `{"kind":"initial"}`,
	"none":              `{"kind":"none"}`,
}

func TestSpecsOfEveryKindAreRead(t *testing.T) {
	t.Parallel()
	for name, text := range specs {
		if _, err := appearance.ParseSpec([]byte(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWrongSpecsNameTheirMember(t *testing.T) {
	t.Parallel()
	for text, member := range map[string]string{
		`{"kind":"stamp"}`:                "kind",
		`{}`:                              "kind",
		`{"kind":"none","kind":"leader"}`: "kind",
		`{"Kind":"none"}`:                 "Kind",
		`{"kind":7}`:                      "kind",
		`{"kind":"none","image":"a.png"}`: "image",
		`{"kind":"leader"}`:               "image",
		`{"kind":"leader","image":"a","over":"b"}`:                             "over",
		`{"kind":"leader","image":"a","rect":[1,2,3]}`:                         "rect",
		`{"kind":"leader","image":"a","rect":[9,9,1,1]}`:                       "rect",
		`{"kind":"leader","image":"a","rect":[0,0,1e9,1]}`:                     "rect",
		`{"kind":"leader","image":"a","rect":[0,0,9,9],"unit":"cm"}`:           "unit",
		`{"kind":"leader","image":"a","unit":"mm"}`:                            "unit",
		`{"kind":"leader","image":"a","page":-2,"rect":[0,0,9,9]}`:             "page",
		`{"kind":"leader","image":"a","rect":[0,0,9,9],"anchor":{"name":"x"}}`: "anchor",
		`{"kind":"leader","image":"a","anchor":{"post":"x"}}`:                  "anchor",
		`{"kind":"leader","image":"a","anchor":{"name":"x","name":"y"}}`:       "name",
		`{"kind":"initial","image":"a","anchor":{"name":"x"}}`:                 "anchor",
		`{"kind":"initial","rect":[0,0,9,9]}`:                                  "image",
		`{"kind":"seal","image":"a"}`:                                          "diameter_mm",
		`{"kind":"seal","image":"a","diameter_mm":-1}`:                         "diameter_mm",
		`{"kind":"seal","image":"a","diameter_mm":500}`:                        "diameter_mm",
		`{"kind":"seal","diameter_mm":36}`:                                     "image",
		`{"kind":"text"}`:                                                      "number",
		`{"kind":"text","number":"1","lines":["a"]}`:                           "number",
		`{"kind":"copy","copy":"SAO","agency":"a"}`:                            "copy",
		`{"kind":"copy","copy":"SAO Y"}`:                                       "agency",
		`{"kind":"copy","copy":"SAO Y","agency":"a","lines":["b"]}`:            "lines",
		`{"kind":"none"} {"kind":"none"}`:                                      "",
		`{"kind":"none","colour":"green"}`:                                     "",
		`{"kind":"none"`:                                                       "",
		`[[[[[[[[1]]]]]]]]`:                                                    "",
		`null`:                                                                 "kind",
		``:                                                                     "",
	} {
		_, err := appearance.ParseSpec([]byte(text))
		var typed *appearance.SpecError
		if !errors.As(err, &typed) || typed.Member != member {
			t.Errorf("%s: %v, want member %q", text, err, member)
		}
	}
	if _, err := appearance.ParseSpec(make([]byte, appearance.MaxSpecBytes+1)); err == nil {
		t.Error("no limit of size")
	}
}

// A Spec that was read can be written and read again, and is the same.
func FuzzSpec(f *testing.F) {
	for _, text := range specs {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := appearance.ParseSpec(data)
		if err != nil {
			var typed *appearance.SpecError
			if !errors.As(err, &typed) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		out, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		again, err := appearance.ParseSpec(out)
		if err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		if third, _ := json.Marshal(again); !reflect.DeepEqual(out, third) {
			t.Fatalf("%s became %s", out, third)
		}
	})
}
