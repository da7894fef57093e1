package engine

import (
	"context"
	"iter"
	"sync"
)

// ordered calls work for every record of in, up to n at a time, and emit for
// every result, in the order of the records. It holds no more than a few
// records more than n. The first error ends it; work that is under way is
// waited for.
func ordered[R any](ctx context.Context, in iter.Seq2[any, error], n int,
	work func(ctx context.Context, index int, record any) (R, error), emit func(index int, r R) error,
) error {
	if n <= 1 {
		index := 0
		for v, err := range in {
			if err == nil {
				err = context.Cause(ctx)
			}
			if err != nil {
				return err
			}
			r, err := work(ctx, index, v)
			if err != nil {
				return err
			}
			if err := emit(index, r); err != nil {
				return err
			}
			index++
		}
		return nil
	}

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		r   R
		err error
	}
	type job struct {
		index  int
		record any
		out    chan result
	}
	jobs := make(chan job)
	queue := make(chan chan result, 2*n) // results in order; bounds what is ahead
	var workers, feeder sync.WaitGroup
	for range n {
		workers.Go(func() {
			for j := range jobs {
				r, err := work(ctx, j.index, j.record)
				j.out <- result{r, err}
			}
		})
	}
	feeder.Go(func() {
		defer close(queue)
		defer close(jobs)
		index := 0
		for v, err := range in {
			out := make(chan result, 1)
			select {
			case queue <- out:
			case <-ctx.Done():
				return
			}
			if err != nil {
				out <- result{err: err}
				return
			}
			select {
			case jobs <- job{index, v, out}:
			case <-ctx.Done():
				out <- result{err: context.Cause(ctx)}
				return
			}
			index++
		}
	})
	defer workers.Wait()
	defer feeder.Wait()
	defer cancel()
	index := 0
	for out := range queue {
		res := <-out
		if res.err != nil {
			return res.err
		}
		if err := emit(index, res.r); err != nil {
			return err
		}
		index++
	}
	return context.Cause(ctx)
}
