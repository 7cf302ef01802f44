package signer

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
)

func TestLevelTextRoundTrips(t *testing.T) {
	t.Parallel()
	for l := LevelNone; l <= LevelLTA; l++ {
		b, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		var got Level
		if err := json.Unmarshal(b, &got); err != nil || got != l {
			t.Errorf("%s: got %v, %v", b, got, err)
		}
	}
	if _, err := ParseLevel("B-X"); CodeOf(err) != CodeBadLevel {
		t.Errorf("unknown level: got code %q", CodeOf(err))
	}
	if _, err := json.Marshal(Level(9)); err == nil {
		t.Error("a level that doesn't exist was marshalled")
	}
}

func TestCodeOfFindsWrappedCode(t *testing.T) {
	t.Parallel()
	cause := errors.New("disk")
	err := fmt.Errorf("sign: %w", &Error{ErrCode: CodeInputChanged, Message: "read input", Err: cause})
	if got := CodeOf(err); got != CodeInputChanged {
		t.Errorf("code %q", got)
	}
	if !errors.Is(err, cause) || !errors.Is(err, &Error{ErrCode: CodeInputChanged}) {
		t.Error("cause or code lost in the chain")
	}
	if CodeOf(cause) != "" {
		t.Error("an error without code got one")
	}
}
