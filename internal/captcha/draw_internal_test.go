package captcha

import (
	"bytes"
	"image/png"
	"testing"
)

func TestPicturesAreSmallPNGs(t *testing.T) {
	for i := range 50 {
		n := newNoise(bytes.Repeat([]byte{byte(i + 1)}, 32))
		answer := n.pick(alphabet, length)
		picture, err := render(answer, n)
		if err != nil {
			t.Fatal(err)
		}
		if len(picture) > 6<<10 {
			t.Errorf("picture of %s has %d bytes, at most 6 KiB", answer, len(picture))
		}
		img, err := png.Decode(bytes.NewReader(picture))
		if err != nil {
			t.Fatal(err)
		}
		if b := img.Bounds(); b.Dx() != width || b.Dy() != height {
			t.Errorf("picture measures %v", b)
		}
	}
}

func BenchmarkDraw(b *testing.B) {
	n := newNoise(make([]byte, 32))
	for b.Loop() {
		if _, err := render("A3F7", n); err != nil {
			b.Fatal(err)
		}
	}
}
