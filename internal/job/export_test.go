package job

import "time"

// Hurry makes a client beat and give up others faster than a service would.
func (c *Client) Hurry(beat, dead time.Duration) { c.beatEvery, c.deadAfter = beat, dead }

// Lives is what a client remembers of others.
type Lives = lives

// NewLives remembers nothing.
func NewLives() *Lives {
	return &lives{beats: make(map[string]int64), since: make(map[string]time.Time)}
}

// Seen is lives.seen.
func (l *lives) Seen(client string, beats int64, now time.Time, limit time.Duration) bool {
	return l.seen(client, beats, now, limit)
}

// Postpone is postpone.
var Postpone = postpone
