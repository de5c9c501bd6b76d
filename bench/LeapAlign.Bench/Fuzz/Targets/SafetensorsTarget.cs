using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using System.Text.Json;
using LeapAlign.Bench.Fuzz.Mutation;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;

namespace LeapAlign.Bench.Fuzz.Targets;

/// <summary>
/// Safetensors files. A header that is accepted describes every byte behind it exactly once, its tensors have the size of their place, and reading them gives
/// the bytes of the file.
/// </summary>
internal sealed class SafetensorsTarget : IFuzzTarget, IDisposable
{
    public const string Word = "safetensors";

    private const int LengthWord = sizeof(ulong);

    private const string Small = """{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b.c":{"dtype":"BF16","shape":[],"data_offsets":[24,26]},"d":{"dtype":"I64","shape":[0,5],"data_offsets":[26,26]},"e":{"dtype":"BOOL","shape":[1,1],"data_offsets":[26,27]}}""";

    private static readonly JsonFile s_header = new(["F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL", "F8_E4M3", "dtype", "shape", "data_offsets", "__metadata__", "a"]);

    private readonly string _path = Path.Combine(Directory.CreateTempSubdirectory("leapalign-fuzz-").FullName, "model.safetensors");

    public SafetensorsTarget(string root) => Seeds =
    [
        Write(Encoding.UTF8.GetBytes(Small), [.. Enumerable.Range(1, 27).Select(static value => (byte)value)]),
        Write("{}"u8.ToArray(), []),
        File.ReadAllBytes(Directory.EnumerateFiles(Path.Combine(root, "tests", "fixtures"), "*.safetensors", SearchOption.AllDirectories)
            .OrderBy(static path => new FileInfo(path).Length).ThenBy(static path => path, StringComparer.Ordinal).First()),
    ];

    public string Name => Word;

    public IReadOnlyList<byte[]> Seeds { get; }

    public byte[] Mutate(byte[] seed, KeyedRandom random)
    {
        var length = seed.Length >= LengthWord ? BinaryPrimitives.ReadUInt64LittleEndian(seed) : ulong.MaxValue;
        if (length > (ulong)Math.Max(0, seed.Length - LengthWord) || random.NextInt(0, 8) == 0) return ByteMutation.Apply(seed, random);
        var header = s_header.Mutate(seed[LengthWord..(LengthWord + (int)length)], random);
        var data = seed[(LengthWord + (int)length)..];
        if (random.NextInt(0, 8) == 0) data = random.NextInt(0, 2) == 0 ? [.. data, 0] : data[..(data.Length / 2)];
        var file = Write(header, data);
        if (random.NextInt(0, 8) == 0) BinaryPrimitives.WriteUInt64LittleEndian(file, Length(length, random));
        return file;
    }

    public string? Check(byte[] input)
    {
        File.WriteAllBytes(_path, input);
        if (!SafetensorsFile.Open(_path).TryGet(out var file, out var fault)) return Expected.Refusal(fault, FaultCodes.DamagedWeights);
        using var opened = file;
        var start = LengthWord + (int)BinaryPrimitives.ReadUInt64LittleEndian(input);
        var places = Places(input.AsMemory(LengthWord, start - LengthWord));
        if (!places.Keys.ToHashSet().SetEquals(file.Entries.Keys)) throw new BrokenPropertyException("the file has other tensors than its header");
        var covered = 0L;
        foreach (var (_, (begin, end, bytes)) in places.OrderBy(static place => place.Value.Begin).ThenBy(static place => place.Value.End))
        {
            if (begin != covered || end < begin) throw new BrokenPropertyException("the header does not describe every byte exactly once");
            if (bytes != end - begin) throw new BrokenPropertyException("a tensor is larger or smaller than its place");
            covered = end;
        }
        if (covered != input.Length - start) throw new BrokenPropertyException("the header does not describe every byte");
        foreach (var (name, (begin, end, _)) in places) Compare(file, name, input.AsSpan(start + (int)begin, (int)(end - begin)));
        return null;
    }

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_path)!, recursive: true);

    private static void Compare(SafetensorsFile file, string name, ReadOnlySpan<byte> bytes)
    {
        if (!file.Read(name).TryGet(out var tensor, out var fault)) throw new BrokenPropertyException($"a tensor of an accepted file cannot be read: '{fault}'");
        using (tensor)
        {
            if (tensor.numel() * tensor.element_size() != bytes.Length || !tensor.bytes.SequenceEqual(bytes)) throw new BrokenPropertyException("a tensor does not have the bytes of the file");
        }
    }

    // Read anew, and counted in numbers that do not overflow.
    private static Dictionary<string, (long Begin, long End, BigInteger Bytes)> Places(ReadOnlyMemory<byte> header)
    {
        using var document = JsonDocument.Parse(header);
        return document.RootElement.EnumerateObject().Where(static property => property.Name != "__metadata__").ToDictionary(static property => property.Name, static property =>
        {
            var offsets = property.Value.GetProperty("data_offsets");
            var size = property.Value.GetProperty("dtype").GetString() switch { "F64" or "I64" => 8, "F32" or "I32" => 4, "F16" or "BF16" or "I16" => 2, _ => 1 };
            var bytes = property.Value.GetProperty("shape").EnumerateArray().Aggregate(new BigInteger(size), static (product, side) => product * side.GetInt64());
            return (offsets[0].GetInt64(), offsets[1].GetInt64(), bytes);
        });
    }

    private static byte[] Write(byte[] header, byte[] data)
    {
        var file = new byte[LengthWord + header.Length + data.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(file, (ulong)header.Length);
        header.CopyTo(file, LengthWord);
        data.CopyTo(file, LengthWord + header.Length);
        return file;
    }

    private static ulong Length(ulong length, KeyedRandom random) =>
        JsonMutation.Pick<ulong>([0, length - 1, length + 1, length + 8, 100_000_000, 100_000_001, int.MaxValue, 1UL << 32, 1UL << 63, ulong.MaxValue], random);
}
