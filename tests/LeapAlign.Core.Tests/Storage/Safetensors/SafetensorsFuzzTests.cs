using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;

namespace LeapAlign.Storage.Tests.Safetensors;

public sealed class SafetensorsFuzzTests
{
    /// <summary>LEAPALIGN_FUZZ sets how many mutants are tried.</summary>
    private static int Count => int.Parse(Environment.GetEnvironmentVariable("LEAPALIGN_FUZZ") ?? "10000", CultureInfo.InvariantCulture);

    [Property(MaxTest = 300)]
    public bool Random_bytes_are_a_fault_or_a_file(byte[] header, byte dataBytes)
    {
        using var folder = new TemporaryFolder();
        return Check(folder.Write("w", SafetensorsBytes.File(header, dataBytes))) is not null;
    }

    [Fact]
    public void Mutated_headers_are_a_fault_or_a_file()
    {
        using var folder = new TemporaryFolder();
        var random = new Random(1);
        var seeds = Seeds();
        int faults = 0, files = 0;
        for (var i = 0; i < Count; i++)
        {
            var mutant = Mutate((byte[])seeds[i % seeds.Count].Clone(), random);
            var path = folder.Write("w", mutant);
            var outcome = Check(path);
            Assert.True(outcome is not null, $"mutant {i}: {Convert.ToBase64String(mutant)}");
            if (outcome == Outcome.File) files++; else faults++;
        }
        // A fuzz that only ever sees one outcome does not reach the checks behind the JSON reader.
        Assert.True(faults > Count / 2 && files > 0, $"{faults} faults, {files} files");
    }

    private static List<byte[]> Seeds()
    {
        const string small = """{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b.c":{"dtype":"BF16","shape":[],"data_offsets":[24,26]},"d":{"dtype":"I64","shape":[0,5],"data_offsets":[26,26]}}  """;
        var fixture = File.ReadAllBytes(Directory.EnumerateFiles(Repository.Fixtures, "*.safetensors", SearchOption.AllDirectories)
            .OrderBy(path => new FileInfo(path).Length).ThenBy(path => path, StringComparer.Ordinal).First());
        return [SafetensorsBytes.File(small, 26), fixture];
    }

    private static byte[] Mutate(byte[] file, Random random)
    {
        var header = (int)Math.Min(BitConverter.ToInt64(file), file.Length - 8);
        var bytes = file.ToList();
        for (var edits = random.Next(1, 4); edits > 0; edits--)
        {
            // Most edits go where they keep the JSON whole: a digit for a digit.
            var at = random.Next(0, Math.Min(header + 8, bytes.Count));
            switch (random.Next(8))
            {
                case 0: bytes[at] = (byte)random.Next(256); break;
                case 1: bytes.RemoveAt(at); break;
                case 2: bytes.Insert(at, (byte)random.Next(32, 127)); break;
                case 3: bytes.RemoveRange(at, bytes.Count - at); break;
                case 4: bytes.AddRange(new byte[random.Next(1, 9)]); break;
                default:
                    var digits = Enumerable.Range(8, Math.Max(0, Math.Min(header, bytes.Count - 8))).Where(i => char.IsAsciiDigit((char)bytes[i])).ToList();
                    if (digits.Count > 0) bytes[digits[random.Next(digits.Count)]] = (byte)"0123456789-."[random.Next(12)];
                    break;
            }
            if (bytes.Count == 0) break;
        }
        return [.. bytes];
    }

    /// <summary>What passes must be readable to the last tensor, and its tensors must fill the file; anything else gives null.</summary>
    private static Outcome? Check(string path)
    {
        var opened = SafetensorsFile.Open(path);
        if (!opened.TryGet(out var file, out var fault))
            return fault.Code == FaultCodes.DamagedWeights && fault.Place?.File == path ? Outcome.Fault : null;
        var header = 0L;
        using (var stream = new BinaryReader(File.OpenRead(path))) header = stream.ReadInt64();
        var total = 0L;
        foreach (var name in file.Entries.Keys)
        {
            using var tensor = Expect.Ok(file.Read(name));
            total += tensor.numel() * tensor.element_size();
        }
        return total == new FileInfo(path).Length - 8 - header ? Outcome.File : null;
    }

    private enum Outcome
    {
        Fault,
        File,
    }
}
