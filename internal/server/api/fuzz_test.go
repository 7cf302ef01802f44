package api

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/internal/routing"
)

// What is decoded can be written, decoded again and is the same; and encoding/json, which is
// more tolerant, reads the same from it.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{`{}`, `{"kind":"citizen","identity":"001090012345","proof":{"method":"chip"}}`, `{"kind":"a","KIND":"b"}`,
		`{"name":"\ud800"}`, `{"metadata":{"subject":"x","deadline":"2026-11-21T00:00:00+07:00"},"steps":[{"kind":"seal","place":{"page":-1,"x_mm":1e300}}]}`,
		`{"a":{"a":{"a":[[[]]]}}}`, `[]`, `{"name":"K","name":"k"}`, "{\"name\":\"\xff\"}", `{"steps":null}`, ` {"unit_id":"x"} `, `{"x":1}x`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		roundTrip[issuance.Form](t, b)
		roundTrip[routing.Intake](t, b)
		roundTrip[authorization](t, b)
	})
}

func roundTrip[T any](t *testing.T, b []byte) {
	t.Helper()
	var first, second, tolerant T
	if decode(b, &first) != nil {
		return
	}
	again, err := json.Marshal(first)
	if err != nil {
		t.Fatalf("what was decoded can't be written: %v", err)
	}
	if err := decode(again, &second); err != nil {
		t.Fatalf("%s: %v", again, err)
	}
	third, err := json.Marshal(second)
	if err != nil || string(third) != string(again) {
		t.Fatalf("%s became %s, %v", again, third, err)
	}
	if err := json.Unmarshal(b, &tolerant); err != nil || !reflect.DeepEqual(tolerant, first) {
		t.Fatalf("encoding/json reads %+v, %v", tolerant, err)
	}
}
