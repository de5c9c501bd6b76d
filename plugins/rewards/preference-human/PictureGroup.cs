using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Rewards;

namespace LeapAlign.Rewards.PreferenceHuman;

/// <summary>
/// The pictures of a caption, known by what they show: in the order of their hashes, equal ones once, so that nothing depends on the order in which they were drawn.
/// </summary>
/// <param name="Caption">What they were drawn for.</param>
/// <param name="Pictures">The different ones.</param>
/// <param name="Hashes">The SHA-256 of each, ascending.</param>
/// <param name="Places">Of each picture that was given, its place among the different ones.</param>
internal sealed record PictureGroup(string Caption, IReadOnlyList<PictureBytes> Pictures, IReadOnlyList<string> Hashes, IReadOnlyList<int> Places)
{
    // Another way of asking needs another number.
    private const string Version = "1";

    /// <summary>Groups pictures.</summary>
    /// <param name="caption">Their caption.</param>
    /// <param name="pictures">The pictures as they were given.</param>
    public static PictureGroup Of(string caption, IReadOnlyList<PictureBytes> pictures)
    {
        var hashes = pictures.Select(Hash).ToList();
        List<string> different = [.. hashes.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        return new PictureGroup(caption, [.. different.Select(hash => pictures[hashes.IndexOf(hash)])], different, [.. hashes.Select(hash => different.IndexOf(hash))]);
    }

    /// <summary>
    /// The pairs that are asked: all, or a random path through all pictures and further random pairs. A path, since what is not connected by comparisons cannot be compared; drawn by a key of what the
    /// pictures show, so that a run that comes by again asks the same.
    /// </summary>
    /// <param name="wanted">How many; null for all.</param>
    /// <returns>Each with its first picture before its second, in the order in which they are asked.</returns>
    public IReadOnlyList<AskedPair> Pairs(int? wanted)
    {
        var random = RandomKey.OfRun(0).For("preference-human").For("pairs").For(Digest([Caption, .. Hashes])).Open();
        var path = Shuffled(Enumerable.Range(0, Hashes.Count));
        var connecting = path.Zip(path.Skip(1)).Select(static step => (First: Math.Min(step.First, step.Second), Second: Math.Max(step.First, step.Second))).ToList();
        var all = from first in Enumerable.Range(0, Hashes.Count) from second in Enumerable.Range(first + 1, Hashes.Count - first - 1) select (First: first, Second: second);
        var others = Shuffled(all.Except(connecting));
        var further = wanted is { } number ? Math.Max(0, number - connecting.Count) : others.Count;
        return [.. Shuffled(connecting.Concat(others.Take(further))).Select(pair => new AskedPair(pair.First, pair.Second, Digest([Caption, Hashes[pair.First], Hashes[pair.Second]])))];

        List<T> Shuffled<T>(IEnumerable<T> items)
        {
            List<T> list = [.. items];
            for (var last = list.Count - 1; last > 0; last--)
            {
                var other = random.NextInt(0, last + 1);
                (list[last], list[other]) = (list[other], list[last]);
            }
            return list;
        }
    }

    private static string Hash(PictureBytes picture)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> size = stackalloc byte[2 * sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(size, picture.Width);
        BinaryPrimitives.WriteInt32LittleEndian(size[sizeof(int)..], picture.Height);
        hash.AppendData(size);
        hash.AppendData(picture.Rgb.Span);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    // Each text with its length before it, or the end of one could be the beginning of the next.
    private static string Digest(IEnumerable<string> texts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> length = stackalloc byte[sizeof(int)];
        foreach (var text in texts.Prepend(Version))
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
            hash.AppendData(length);
            hash.AppendData(bytes);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}

/// <summary>A pair of a group that people are asked about.</summary>
/// <param name="First">The picture whose hash comes first, by its place.</param>
/// <param name="Second">The other.</param>
/// <param name="Key">The SHA-256 of caption and both pictures, in hexadecimal digits: the same whichever was drawn first.</param>
internal sealed record AskedPair(int First, int Second, string Key);
