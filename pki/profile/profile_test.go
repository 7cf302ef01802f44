package profile_test

import (
	"testing"

	"github.com/kyso-vn/kyso/pki/profile"
)

func TestBuiltinProfilesLoad(t *testing.T) {
	t.Parallel()
	set, err := profile.Builtin(profile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := len(set.Names()); got != 8 {
		t.Fatalf("%d profiles, want 8", got)
	}
}
