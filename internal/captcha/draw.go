package captcha

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"slices"

	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

const (
	width  = 160
	height = 60
	// shades is how many greys the picture has: with 16 a pixel takes four bits.
	shades = 16
	em     = 44 // size of a letter before it is bent
)

type point struct{ x, y float64 }

// canvas is a picture in the making. One wave bends letters and lines alike, so that
// neither straightness nor darkness tells them apart.
type canvas struct {
	img   *image.Gray
	noise noise

	depth, phase point
	frequency    float64
}

// render draws text as a PNG of a few kilobytes.
func render(text string, n noise) ([]byte, error) {
	letters, err := sfnt.Parse(gobold.TTF)
	if err != nil {
		return nil, fmt.Errorf("captcha font: %w", err)
	}
	c := &canvas{
		img: image.NewGray(image.Rect(0, 0, width, height)), noise: n,
		depth: point{n.between(1.5, 3), n.between(2, 4.5)}, frequency: n.between(0.045, 0.08),
		phase: point{n.between(0, 2*math.Pi), n.between(0, 2*math.Pi)},
	}
	for i := range c.img.Pix {
		c.img.Pix[i] = 0xf4
	}
	for range 2 {
		c.line(0x94, 1)
	}
	step := (width - 16) / float64(len(text))
	for i, r := range text {
		middle := point{8 + step*(float64(i)+0.5) + n.between(-3, 3), height/2 + n.between(-4, 4)}
		if err := c.letter(letters, r, middle); err != nil {
			return nil, err
		}
	}
	c.line(0x58, 0.8)
	c.line(0xe0, 0.8) // cuts the letters instead
	c.specks(90)
	return c.encode()
}

// letter draws r around middle: turned, slanted and stretched a little.
func (c *canvas) letter(letters *sfnt.Font, r rune, middle point) error {
	var buf sfnt.Buffer
	index, err := letters.GlyphIndex(&buf, r)
	if err != nil {
		return fmt.Errorf("captcha letter: %w", err)
	}
	segments, err := letters.LoadGlyph(&buf, index, fixed.I(em), nil)
	if err != nil {
		return fmt.Errorf("captcha letter: %w", err)
	}
	box := segments.Bounds()
	from := point{float64(box.Min.X+box.Max.X) / 128, float64(box.Min.Y+box.Max.Y) / 128}
	sin, cos := math.Sincos(c.noise.between(-0.32, 0.32))
	slant, wide, high := c.noise.between(-0.25, 0.25), c.noise.between(0.85, 1.05), c.noise.between(0.85, 1.1)
	place := func(p fixed.Point26_6) point {
		x, y := (float64(p.X)/64-from.x)*wide, (float64(p.Y)/64-from.y)*high
		x += slant * y
		return c.bend(point{middle.x + x*cos - y*sin, middle.y + x*sin + y*cos})
	}
	c.fill(outline(segments, place), uint8(c.noise.between(0x10, 0x48)))
	return nil
}

// outline flattens a glyph's curves after placing them, so that they bend too.
func outline(segments sfnt.Segments, place func(fixed.Point26_6) point) [][]point {
	var paths [][]point
	for _, s := range segments {
		last := len(paths) - 1
		switch s.Op {
		case sfnt.SegmentOpMoveTo:
			paths = append(paths, []point{place(s.Args[0])})
		case sfnt.SegmentOpLineTo:
			paths[last] = append(paths[last], place(s.Args[0]))
		case sfnt.SegmentOpQuadTo, sfnt.SegmentOpCubeTo: // the font has no cubic curves
			a := paths[last][len(paths[last])-1]
			b, end := place(s.Args[0]), place(s.Args[1])
			for i := 1; i <= 6; i++ {
				t := float64(i) / 6
				u := 1 - t
				paths[last] = append(paths[last], point{
					u*u*a.x + 2*u*t*b.x + t*t*end.x, u*u*a.y + 2*u*t*b.y + t*t*end.y,
				})
			}
		}
	}
	return paths
}

// line crosses the picture from side to side.
func (c *canvas) line(ink uint8, thick float64) {
	from := point{c.noise.between(-5, 20), c.noise.between(8, height-8)}
	to := point{c.noise.between(width-20, width+5), c.noise.between(8, height-8)}
	swing, phase := c.noise.between(3, 9), c.noise.between(0, 2*math.Pi)
	var above, below []point
	for i := range 33 {
		t := float64(i) / 32
		p := point{from.x + t*(to.x-from.x), from.y + t*(to.y-from.y) + swing*math.Sin(phase+5*t)}
		above = append(above, c.bend(point{p.x, p.y - thick}))
		below = append(below, c.bend(point{p.x, p.y + thick}))
	}
	for _, p := range slices.Backward(below) {
		above = append(above, p)
	}
	c.fill([][]point{above}, ink)
}

func (c *canvas) specks(n int) {
	for range n {
		c.img.SetGray(c.noise.IntN(width), c.noise.IntN(height), color.Gray{Y: uint8(c.noise.between(0x50, 0xd0))})
	}
}

func (c *canvas) bend(p point) point {
	return point{
		p.x + c.depth.x*math.Sin(c.phase.x+p.y*2*c.frequency),
		p.y + c.depth.y*math.Sin(c.phase.y+p.x*c.frequency),
	}
}

func (c *canvas) fill(paths [][]point, ink uint8) {
	raster := vector.NewRasterizer(width, height)
	for _, path := range paths {
		raster.MoveTo(float32(path[0].x), float32(path[0].y))
		for _, p := range path[1:] {
			raster.LineTo(float32(p.x), float32(p.y))
		}
		raster.ClosePath()
	}
	raster.Draw(c.img, c.img.Bounds(), image.NewUniform(color.Gray{Y: ink}), image.Point{})
}

// encode keeps few greys: the file halves and nobody sees it.
func (c *canvas) encode() ([]byte, error) {
	greys := make(color.Palette, shades)
	for i := range greys {
		greys[i] = color.Gray{Y: uint8(i * 255 / (shades - 1))}
	}
	few := image.NewPaletted(c.img.Bounds(), greys)
	for i, y := range c.img.Pix {
		few.Pix[i] = uint8((int(y)*(shades-1) + 127) / 255) //nolint:gosec // At most shades-1.
	}
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := encoder.Encode(&out, few); err != nil {
		return nil, fmt.Errorf("captcha picture: %w", err)
	}
	return out.Bytes(), nil
}
