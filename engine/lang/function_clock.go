package lang

import (
	"fmt"
	"time"

	"github.com/flowrunner/flowrunner/engine/step"
)

// clockFunctions compare times with the moment of planning and read durations.
func clockFunctions() []Function {
	return []Function{
		{
			Name:    "now",
			Doc:     "The moment of planning, in the company's zone: the same for every record, stage and resume.",
			Example: `now() → date("2026-03-02 10:30")`,
			Result:  step.ShapeTime,
			Call: func(c Context, _ []any) (any, error) {
				return c.Now.In(c.zone()), nil
			},
		},
		{
			Name:    "within",
			Doc:     "Whether a time is at most this long away from now, before or after; false for nil.",
			Example: `within(date("2026-02-20"), "30d") → true`,
			Params:  ageParams(), Infer: inferAge,
			Call: func(c Context, args []any) (any, error) {
				return compareAge(c, args, func(age, limit time.Duration) bool { return age <= limit && -age <= limit })
			},
		},
		{
			Name:    "olderThan",
			Doc:     "Whether a time is more than this long ago; false for nil and for the future.",
			Example: `olderThan(date("2025-12-01"), "30d") → true`,
			Params:  ageParams(), Infer: inferAge,
			Call: func(c Context, args []any) (any, error) {
				return compareAge(c, args, func(age, limit time.Duration) bool { return age > 0 && age > limit })
			},
		},
		{
			Name:    "upcoming",
			Doc:     "Whether a time is still to come and at most this far ahead; false for nil and for the past.",
			Example: `upcoming(date("2026-03-03 09:00"), "1d") → true`,
			Params:  ageParams(), Infer: inferAge,
			Call: func(c Context, args []any) (any, error) {
				return compareAge(c, args, func(age, limit time.Duration) bool { return age < 0 && -age <= limit })
			},
		},
		{
			Name:    "duration",
			Doc:     "The duration that a text describes, in weeks, days (of 24 hours), hours, minutes and seconds.",
			Example: `duration("1d12h") → duration("36h")`,
			Params:  []Param{{Name: "text", Shape: step.ShapeText, Literal: readBy(ParseDuration)}},
			Result:  step.ShapeDuration,
			Call: func(_ Context, args []any) (any, error) {
				text, err := textArg(args, 0, "text")
				if err != nil {
					return nil, err
				}
				return ParseDuration(text)
			},
		},
	}
}

func ageParams() []Param {
	return []Param{{Name: "time", Shape: step.ShapeTime, NilOK: true}, {Name: "duration", Shape: step.ShapeAny, Literal: literalAge}}
}

func inferAge(args []step.Shape) (step.Shape, error) {
	if len(args) == 2 {
		err := wantShape(args[1], fmt.Sprintf(`the duration must be a text such as "30d" or a duration, not %s`, args[1]),
			step.FormText, step.FormDuration)
		if err != nil {
			return step.Shape{}, err
		}
	}
	return step.ShapeBool, nil
}

func literalAge(text string) error {
	d, err := ParseDuration(text)
	if err == nil && d < 0 {
		err = fmt.Errorf("%s is negative: write how long, without a minus", quote(text))
	}
	return err
}

// compareAge answers a question about how long ago a time is. A limit that is
// nonsense is an error even where the time is nil.
func compareAge(c Context, args []any, test func(age, limit time.Duration) bool) (any, error) {
	limit, err := durationArg(args, 1, "duration")
	if err != nil {
		return nil, err
	}
	if args[0] == nil {
		return false, nil
	}
	t, err := timeArg(args, 0, "time")
	if err != nil {
		return nil, err
	}
	// Sub saturates at 292 years, and the limit cannot be longer.
	return test(max(c.Now.Sub(t), -1<<63+1), limit), nil
}
