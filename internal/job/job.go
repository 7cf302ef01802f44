// Package job is durable work: River clients whose jobs are enqueued in the transaction of
// the fact that asks for them.
package job

import "github.com/riverqueue/river"

// Args is what a job needs to know: a struct with a stable Kind and JSON fields. It holds
// ids, never secrets: a job reads what it needs from its service.
type Args = river.JobArgs

// Poll is how often the clients look for new work; these drivers have no notification.
const Poll = pollInterval
