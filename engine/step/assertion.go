package step

// AssertError is a condition of the flow's author that did not hold. The engine
// stops a plan with its message, and in an iteration with `onError: continue`
// leaves that one out with the message as the reason.
type AssertError struct{ Message string }

// Error is the author's message.
func (e *AssertError) Error() string { return e.Message }
