// Package signer holds the words that the PDF signing packages share: the
// level of a signature, the field it goes into, what a signing gave, and how
// errors carry stable codes. The work itself is done by signer/pdf (files),
// signer/appearance (what is seen), signer/pades (signing) and
// signer/validate (judging).
package signer

import (
	"fmt"
	"time"
)

// Level is a PAdES baseline level (ETSI EN 319 142-1, Section 6). The zero
// value is LevelNone, a signature of no baseline level.
type Level uint8

// The levels, each including the ones before it.
const (
	LevelNone Level = iota
	LevelB          // B-B: basic signature
	LevelT          // B-T: with a trusted time
	LevelLT         // B-LT: with validation material
	LevelLTA        // B-LTA: with archive time-stamps
)

var levelNames = [...]string{"NONE", "B-B", "B-T", "B-LT", "B-LTA"}

// String returns the level's name as used on the command line: "B-B", "B-T",
// "B-LT", "B-LTA" or "NONE".
func (l Level) String() string {
	if int(l) < len(levelNames) {
		return levelNames[l]
	}
	return fmt.Sprintf("Level(%d)", uint8(l))
}

// ParseLevel is the inverse of String for the four baseline levels.
func ParseLevel(s string) (Level, error) {
	for l := LevelB; l <= LevelLTA; l++ {
		if levelNames[l] == s {
			return l, nil
		}
	}
	return LevelNone, &Error{ErrCode: CodeBadLevel, Message: fmt.Sprintf("unknown signature level %q", s)}
}

// MarshalText implements encoding.TextMarshaler.
func (l Level) MarshalText() ([]byte, error) {
	if int(l) >= len(levelNames) {
		return nil, fmt.Errorf("marshal signature level %d", uint8(l))
	}
	return []byte(l.String()), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *Level) UnmarshalText(text []byte) error {
	if string(text) == levelNames[LevelNone] {
		*l = LevelNone
		return nil
	}
	v, err := ParseLevel(string(text))
	if err != nil {
		return err
	}
	*l = v
	return nil
}

// Field says where a signature stands or is to stand.
type Field struct {
	// Name is the fully qualified field name (ISO 32000-1, Section 12.7.3.2).
	Name string `json:"name"`
	// Page counts from 1; 0 when the field has no widget on a page.
	Page int `json:"page,omitempty"`
	// Rect is left, bottom, right, top in points of default user space; all
	// zero for an invisible signature.
	Rect [4]float64 `json:"rect"`
}

// Result is what one signing gave.
type Result struct {
	Field Field     `json:"field"`
	Level Level     `json:"level"`
	Time  time.Time `json:"time"`  // the claimed signing time, /M
	Bytes int64     `json:"bytes"` // length of the whole signed file
}
