/** What is assumed of a file that does not tell its rate: 128 kbit/s, the most common of MP3. */
const assumedBytesPerSecond = 16_000

/** No audio has fewer; a header that claims less is broken, and believing it would make a text of any length. */
const leastBytesPerSecond = 1_000

/** How long a file of audio lasts, in seconds: as a WAV or MP3 file tells, and else estimated from its size. */
export function audioSeconds(file: Buffer): number {
  return wavSeconds(file) ?? mp3Seconds(file) ?? file.length / assumedBytesPerSecond
}

const chunkHeaderBytes = 8

/** The size of the samples by the rate, both from the chunks of the RIFF container. */
function wavSeconds(file: Buffer): number | undefined {
  if (tag(file, 0) !== 'RIFF' || tag(file, 8) !== 'WAVE') return undefined
  let bytesPerSecond = 0
  let at = 12
  while (at + chunkHeaderBytes <= file.length) {
    const start = at + chunkHeaderBytes
    const size = file.readUInt32LE(at + 4)
    if (tag(file, at) === 'fmt ' && start + 12 <= file.length) bytesPerSecond = file.readUInt32LE(start + 8)
    if (tag(file, at) === 'data') {
      // A stream writes its header before it knows its size, so what is there counts.
      const bytes = Math.min(size, file.length - start)
      return bytesPerSecond < leastBytesPerSecond ? undefined : bytes / bytesPerSecond
    }
    // Chunks begin at even places.
    at = start + size + (size % 2)
  }
  return undefined
}

const id3HeaderBytes = 10

/** Bit rates of Layer III in kbit/s by their index: MPEG-1, and MPEG-2 with 2.5. 0 and 15 say nothing of use. */
const mpeg1Rates = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
const mpeg2Rates = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]

/** The size by the bit rate of the first frame; a file of varying rate is estimated by it. */
function mp3Seconds(file: Buffer): number | undefined {
  let at = 0
  if (file.toString('latin1', 0, 3) === 'ID3' && file.length >= id3HeaderBytes) {
    // Seven bits a byte.
    at = [6, 7, 8, 9].reduce((size, place) => size * 128 + (file.readUInt8(place) & 0x7f), 0) + id3HeaderBytes
  }
  if (at + 4 > file.length) return undefined
  const header = file.readUInt32BE(at)
  const isLayer3 = header >>> 21 === 0x7ff && ((header >>> 17) & 3) === 1
  if (!isLayer3) return undefined
  const rates = ((header >>> 19) & 3) === 3 ? mpeg1Rates : mpeg2Rates
  const bytesPerSecond = ((rates[(header >>> 12) & 15] ?? 0) * 1_000) / 8
  return bytesPerSecond < leastBytesPerSecond ? undefined : (file.length - at) / bytesPerSecond
}

function tag(file: Buffer, at: number): string {
  return file.toString('latin1', at, at + 4)
}
