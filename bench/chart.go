package main

import (
	"fmt"
	"html"
	"math"
	"strings"
	"time"
)

// The chart's measures, in pixels.
const (
	chartWidth  = 960
	margin      = 28
	panelWidth  = (chartWidth - 3*margin) / 2
	titleHeight = 84
	rowHeight   = 24
	panelHead   = 44
	labelWidth  = 150
	valueWidth  = 112
)

const (
	ink     = "#1f2933"
	faint   = "#6b7785"
	grid    = "#e3e7ec"
	oursInk = "#1769d2"
	library = "#a9b8c9"
	python  = "#e2894a"
)

// canvas is an SVG image in the making.
type canvas struct{ strings.Builder }

func (c *canvas) rect(x, y, w, h float64, fill string) {
	fmt.Fprintf(c, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="2" fill="%s"/>`+"\n", x, y, w, h, fill)
}

// text writes text; style is a list of SVG attributes.
func (c *canvas) text(x, y float64, style, format string, args ...any) {
	fmt.Fprintf(c, `<text x="%.1f" y="%.1f" %s>%s</text>`+"\n", x, y, style, html.EscapeString(fmt.Sprintf(format, args...)))
}

func (c *canvas) path(points []xy, style string) {
	var d strings.Builder
	for i, p := range points {
		command := "L"
		if i == 0 {
			command = "M"
		}
		fmt.Fprintf(&d, "%s%.1f %.1f", command, p.x, p.y)
	}
	fmt.Fprintf(c, `<path d="%s" fill="none" %s/>`+"\n", d.String(), style)
}

type xy struct{ x, y float64 }

// chart draws the speeds, an input a panel, and the growth in the last one.
func chart(r *report) []byte {
	rows := len(r.speed[0].rows)
	panelHeight := panelHead + rows*rowHeight + 28
	lines := (len(r.speed) + 2) / 2 // of panels, two in each
	height := titleHeight + lines*panelHeight + 12
	c := &canvas{}
	fmt.Fprintf(c, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" `+
		`font-family="system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif" font-size="13">`+"\n", chartWidth, height, chartWidth, height)
	c.WriteString("<title>Trigger event to bulk body: megabytes of event a second, and CPU time over size</title>\n")
	fmt.Fprintf(c, `<rect width="%d" height="%d" rx="8" fill="#ffffff"/>`+"\n", chartWidth, height)
	c.text(margin, 38, style(ink, 20, "600"), "Trigger event to bulk body")
	c.text(margin, 60, style(faint, 13, "400"), "megabytes of event per second of CPU time, one core, and how many times the CPU time of ckafka-etl each takes")
	at := func(i int) (x, y float64) {
		return float64(margin + i%2*(panelWidth+margin)), float64(titleHeight + i/2*panelHeight)
	}
	for i, s := range r.speed {
		x, y := at(i)
		c.bars(x, y, s)
	}
	x, y := at(len(r.speed))
	c.growth(x, y, float64(rows*rowHeight), r.growth)
	c.WriteString("</svg>\n")
	return []byte(c.String())
}

func style(fill string, size int, weight string) string {
	return fmt.Sprintf(`fill="%s" font-size="%d" font-weight="%s"`, fill, size, weight)
}

func (c *canvas) bars(x, y float64, s speed) {
	c.text(x, y+20, style(ink, 15, "600"), "%s", strings.ReplaceAll(s.what, "`", ""))
	c.text(x+panelWidth, y+20, style(faint, 12, "400")+` text-anchor="end"`, "%d × %d bytes", s.records, s.body)
	longest := 0.0
	for _, row := range s.rows {
		longest = max(longest, row.mbps)
	}
	const room = panelWidth - labelWidth - valueWidth
	for i, row := range s.rows {
		top := y + panelHead - 10 + float64(i*rowHeight)
		fill, weight := library, "400"
		switch {
		case row.isOurs():
			fill, weight = oursInk, "600"
		case row.isTemplate():
			fill = python
		}
		width := max(1, row.mbps/longest*room)
		c.text(x+labelWidth-8, top+15, style(ink, 13, weight)+` text-anchor="end"`, "%s", row.name)
		c.rect(x+labelWidth, top+3, width, rowHeight-8, fill)
		value := fmt.Sprintf("%.0f MB/s", row.mbps)
		if !row.isOurs() {
			value += " · " + times(ratio(row, s.rows[0]))
		}
		c.text(x+labelWidth+width+6, top+15, style(ink, 12, weight), "%s", value)
	}
}

func times(ratio float64) string {
	if ratio >= 10 {
		return fmt.Sprintf("%.0f×", ratio)
	}
	return fmt.Sprintf("%.1f×", ratio)
}

// growth draws CPU time over size, both in powers of ten, so that what grows in
// a straight line is a slope of one.
func (c *canvas) growth(x, y, height float64, all []growth) {
	c.text(x, y+20, style(ink, 15, "600"), "our CPU time over an event's size")
	c.text(x+panelWidth, y+20, style(faint, 12, "400")+` text-anchor="end"`, "%d ways to grow", len(all))
	left, top, width := x+48, y+panelHead-6, float64(panelWidth-60)
	x0, x1, y0, y1 := math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, g := range all {
		for _, p := range g.points {
			x0, x1 = min(x0, math.Log10(float64(p.bytes))), max(x1, math.Log10(float64(p.bytes)))
			y0, y1 = min(y0, math.Log10(float64(p.cpu))), max(y1, math.Log10(float64(p.cpu)))
		}
	}
	const room = 0.2
	x0, x1, y0, y1 = x0-room, x1+room, y0-room, y1+room
	place := func(bytes, cpu float64) xy { // both as powers of ten
		return xy{left + width*(bytes-x0)/(x1-x0), top + height - height*(cpu-y0)/(y1-y0)}
	}
	for e := math.Ceil(x0); e <= x1; e++ {
		a := place(e, y0)
		c.path([]xy{a, place(e, y1)}, fmt.Sprintf(`stroke="%s"`, grid))
		c.text(a.x, a.y+16, style(faint, 11, "400")+` text-anchor="middle"`, "%s", size(math.Pow(10, e)))
	}
	for e := math.Ceil(y0); e <= y1; e++ {
		a := place(x0, e)
		c.path([]xy{a, place(x1, e)}, fmt.Sprintf(`stroke="%s"`, grid))
		c.text(a.x-6, a.y+4, style(faint, 11, "400")+` text-anchor="end"`, "%v", time.Duration(math.Pow(10, e)))
	}
	// What a straight line looks like: a nanosecond a byte.
	low, high := max(x0, y0), min(x1, y1)
	end := place(high, high)
	c.path([]xy{place(low, low), end}, fmt.Sprintf(`stroke="%s" stroke-dasharray="4 4"`, faint))
	c.text(end.x-2, end.y+52, style(faint, 11, "400")+` text-anchor="end"`, "1 ns a byte")
	for _, g := range all {
		var points []xy
		for _, p := range g.points {
			points = append(points, place(math.Log10(float64(p.bytes)), math.Log10(float64(p.cpu))))
		}
		c.path(points, fmt.Sprintf(`stroke="%s" stroke-opacity="0.45" stroke-width="1.5"`, oursInk))
		for _, p := range points {
			fmt.Fprintf(c, `<circle cx="%.1f" cy="%.1f" r="2.5" fill="%s"/>`+"\n", p.x, p.y, oursInk)
		}
	}
}

// size returns a power of ten of bytes.
func size(bytes float64) string {
	switch {
	case bytes >= 1e6:
		return fmt.Sprintf("%.0f MB", bytes/1e6)
	case bytes >= 1e3:
		return fmt.Sprintf("%.0f KB", bytes/1e3)
	}
	return fmt.Sprintf("%.0f B", bytes)
}
