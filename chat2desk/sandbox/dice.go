package sandbox

// dice is a tiny seeded generator (splitmix64). One is rolled anew for each
// person and purpose, so what a person is like depends neither on who was
// asked for before nor on the version of a library.
type dice struct{ state uint64 }

// rollFor gives the dice of one thing: the same parts give the same rolls.
func rollFor(seed uint64, parts ...uint64) dice {
	d := dice{state: seed}
	for _, p := range parts {
		d.state = d.next() ^ (p+1)*0x9E3779B97F4A7C15
	}
	return d
}

func (d *dice) next() uint64 {
	d.state += 0x9E3779B97F4A7C15
	z := d.state
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// below is uniform in [0, n); 0 when n is not positive.
func (d *dice) below(n int) int {
	if n <= 0 {
		return 0
	}
	return int(d.next() % uint64(n))
}

// between is uniform in [from, to].
func (d *dice) between(from, to int) int { return from + d.below(to-from+1) }

// percent is true in p of 100 rolls.
func (d *dice) percent(p int) bool { return d.below(100) < p }

// part is uniform in [0, 1).
func (d *dice) part() float64 { return float64(d.next()>>11) / (1 << 53) }

func pick[T any](d *dice, from []T) T { return from[d.below(len(from))] }
