package lang

import (
	"errors"
	"fmt"
	"time"

	"github.com/flowrunner/flowrunner/engine/step"
)

// zoneFunction reads a time by the clocks of another zone. What it gives lives
// only between it and the function around it: there is no time in the language
// whose zone is not the company's, so none can end in a file or a later step.
func zoneFunction() Function {
	return Function{
		Name: zoneFunctionName,
		Doc: "A time as the clocks of another zone show it, for the function around it: format, hour, weekday, startOfDay, addDays or daysBetween. " +
			"The zone has its name in the IANA list.",
		Example: `hour(inZone(date("2026-03-01 18:45"), "Asia/Almaty")) → 20`,
		Params:  []Param{{Name: "time", Shape: step.ShapeTime}, {Name: "zone", Shape: step.ShapeText, Literal: literalZone}},
		Result:  step.ShapeTime,
		Call: func(_ Context, args []any) (any, error) {
			t, err := timeArg(args, 0, "time")
			if err != nil {
				return nil, err
			}
			name, err := textArg(args, 1, "zone")
			if err != nil {
				return nil, err
			}
			zone, err := zoneNamed(name)
			if err != nil {
				return nil, errors.New("the zone is none of the IANA list, such as Asia/Almaty")
			}
			return zoned{t, zone}, nil
		},
	}
}

func literalZone(text string) error {
	if _, err := zoneNamed(text); err != nil {
		return fmt.Errorf("%s is no time zone: write its name as in the IANA list, such as Asia/Almaty or America/Mexico_City", quote(text))
	}
	return nil
}

const zoneFunctionName = "inZone"

// zoned is a time on its way from inZone to the function around it.
type zoned struct {
	time time.Time
	zone *time.Location
}

// zoneNamed loads a zone by its name; the machine's own has none.
func zoneNamed(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, errors.New("the zone has no name")
	}
	return time.LoadLocation(name)
}

// inItsZone makes a function that depends on the company's zone use the one of
// inZone instead, where an argument comes from there.
func inItsZone(call func(Context, []any) (any, error)) func(Context, []any) (any, error) {
	return func(c Context, args []any) (any, error) {
		given := c
		var own []any // args are the machine's, and not ours to change
		for i, a := range args {
			if z, ok := a.(zoned); ok {
				if own == nil {
					own = append(own, args...)
				}
				own[i], c.Zone = z.time, z.zone
			}
		}
		if own == nil {
			return call(c, args)
		}
		company := given.zone()
		out, err := call(c, own)
		if t, ok := out.(time.Time); ok {
			out = t.In(company)
		}
		return out, err
	}
}
