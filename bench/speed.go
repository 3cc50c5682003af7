package main

import (
	"fmt"
	"slices"
	"time"
)

// speed is what an input costs each candidate.
type speed struct {
	input
	records, bytes int // of the event
	body           int // bytes of a record's body, on average
	rows           []row
}

// row is a candidate's cost of an input: medians.
type row struct {
	candidate
	cpu    time.Duration // per million records, one core
	mbps   float64       // MB of event a second of CPU time, one core
	two    float64       // MB of event a second by the clock, two cores; 0: one thread only
	allocs float64       // per record
	spread float64       // between the quartiles of cpu, as a share of it
}

// speed measures all inputs, the candidates in turn.
func (b *bench) speed() ([]speed, error) {
	var all []speed
	for _, in := range inputs() {
		s, err := b.speedOf(in)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", in.name, err)
		}
		all = append(all, s)
	}
	return all, nil
}

// slot is a worker with the work it is measured with.
type slot struct {
	worker *worker
	files  []string
	times  int
	costs  []cost
}

func (b *bench) speedOf(in input) (speed, error) {
	bodies := in.bodies(in.n / b.share)
	whole := payload(in.name, bodies)
	s := speed{input: in, records: len(bodies), bytes: len(whole)}
	for _, body := range bodies {
		s.body += len(body)
	}
	s.body /= len(bodies)

	half := len(bodies) / 2
	var files []string
	twoBytes := 0
	for i, p := range [][]byte{whole, payload(in.name, bodies[:half]), payload(in.name, bodies[half:])} {
		file, err := b.write(fmt.Sprintf("%s-%d.json", in.name, i), p)
		if err != nil {
			return s, err
		}
		files = append(files, file)
		if i > 0 {
			twoBytes += len(p)
		}
	}

	var slots []*slot
	for _, l := range b.lanes {
		slots = append(slots, &slot{worker: l.one, files: files[:1]}, &slot{worker: l.two, files: files[1:]})
	}
	if err := b.interleave(slots); err != nil {
		return s, err
	}
	for i, l := range b.lanes {
		s.rows = append(s.rows, b.row(l, slots[2*i], slots[2*i+1], s.bytes, twoBytes))
	}
	return s, nil
}

// interleave measures every slot once a round. The order turns, so that none
// always follows the same neighbour.
func (b *bench) interleave(slots []*slot) error {
	for _, s := range slots {
		if s.worker == nil {
			continue
		}
		for range 2 { // the first one warms up
			c, err := s.worker.run(1, s.files...)
			if err != nil {
				return err
			}
			s.times = int(b.atLeast/max(c.wall, time.Microsecond)) + 1
		}
	}
	for round := range b.rounds {
		for i := range slots {
			s := slots[(i+round)%len(slots)]
			if s.worker == nil {
				continue
			}
			c, err := s.worker.run(s.times, s.files...)
			if err != nil {
				return err
			}
			s.costs = append(s.costs, c)
		}
	}
	return nil
}

func (b *bench) row(l lane, one, two *slot, bytes, twoBytes int) row {
	perRecord := func(c cost) float64 { return float64(c.cpu) / float64(c.records) }
	low, middle, high := quartiles(one.costs, perRecord)
	r := row{
		candidate: l.candidate,
		cpu:       time.Duration(middle * 1e6),
		spread:    (high - low) / middle,
	}
	_, perEvent, _ := quartiles(one.costs, func(c cost) float64 { return c.cpu.Seconds() / float64(one.times) })
	r.mbps = float64(bytes) / 1e6 / perEvent
	_, r.allocs, _ = quartiles(one.costs, func(c cost) float64 { return float64(c.allocs) / float64(c.records) })
	if two.worker != nil {
		_, perEvent, _ = quartiles(two.costs, func(c cost) float64 { return c.wall.Seconds() / float64(two.times) })
		r.two = float64(twoBytes) / 1e6 / perEvent
	}
	return r
}

func quartiles(costs []cost, of func(cost) float64) (low, middle, high float64) {
	values := make([]float64, len(costs))
	for i, c := range costs {
		values[i] = of(c)
	}
	slices.Sort(values)
	at := func(share float64) float64 { return values[int(share*float64(len(values)-1)+0.5)] }
	return at(0.25), at(0.5), at(0.75)
}
