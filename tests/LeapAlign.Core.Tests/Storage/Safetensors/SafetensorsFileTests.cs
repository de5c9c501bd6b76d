using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Storage.Tests.Safetensors;

public sealed class SafetensorsFileTests
{
    private const string Good = """{"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[3],"data_offsets":[8,11]}}""";

    public static TheoryData<string, string> BadHeaders { get; } = new()
    {
        { "", "begin" },
        { "[]", "begin" },
        { "\u00a0{}", "begin" },
        { "{", "not JSON" },
        { """{"a":1}""", "'a'" },
        { """{"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}""", "not JSON" },
        { Good + "x", "not JSON" },
        { $$"""{"a":{{new string('[', 70)}}""", "the header is JSON that is nested more than 64 levels deep" },
        { Good.Replace("F32", "F31", StringComparison.Ordinal), "'F31'" },
        { Good.Replace("F32", "F8_E4M3", StringComparison.Ordinal), "'F8_E4M3'" },
        { Good.Replace("\"F32\"", "4", StringComparison.Ordinal), "'a'" },
        { Good.Replace("[0,8]", "[-8,0]", StringComparison.Ordinal), "'a'" },
        { Good.Replace("[0,8]", "[8,0]", StringComparison.Ordinal), "'a'" },
        { Good.Replace("[0,8]", "[0,8,8]", StringComparison.Ordinal), "'a'" },
        { Good.Replace("[0,8]", "[0,8.5]", StringComparison.Ordinal), "'a'" },
        { Good.Replace("[0,8]", "[0,18446744073709551615]", StringComparison.Ordinal), "'a'" },
        { Good.Replace("[2,1]", "[2,2]", StringComparison.Ordinal), "16 bytes" },
        { Good.Replace("[2,1]", "[-2,-1]", StringComparison.Ordinal), "'a'" },
        { Good.Replace("[2,1]", "2", StringComparison.Ordinal), "'a'" },
        { Good.Replace("[2,1]", "[4294967296,4294967296,4294967296,2]", StringComparison.Ordinal), "larger than any file" },
        { Good.Replace("[2,1]", "[9223372036854775807]", StringComparison.Ordinal), "larger than any file" },
        { Good.Replace("[8,11]", "[7,10]", StringComparison.Ordinal), "overlaps" },
        { Good.Replace("[8,11]", "[0,3]", StringComparison.Ordinal), "overlaps" },
        { Good.Replace("[8,11]", "[9,12]", StringComparison.Ordinal), "12" },
        { Good.Replace("\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]", "\"U8\",\"shape\":[7],\"data_offsets\":[0,7]", StringComparison.Ordinal), "belong to no tensor" },
        { Good.Replace("[3],\"data_offsets\":[8,11]", "[2],\"data_offsets\":[8,10]", StringComparison.Ordinal), "after the last tensor" },
        { Good.Replace("\"b\"", "\"a\"", StringComparison.Ordinal), "twice" },
        { Good.Replace("\"shape\":[3]", "\"dtype\":\"U8\"", StringComparison.Ordinal), "'b'" },
        { Good.Replace("\"shape\":[3],", "\"shape\":[3],\"shape\":[3],", StringComparison.Ordinal), "'b'" },
        { """{"__metadata__":{"format":1},""" + Good[1..], "metadata" },
        { """{"__metadata__":[],""" + Good[1..], "metadata" },
        { """{"__metadata__":{"format":"pt","format":"pt"},""" + Good[1..], "twice" },
        { Good.Replace("\"b\"", "\"\\ud800\"", StringComparison.Ordinal), "not JSON" },
    };

    [Fact]
    public void A_good_file_gives_its_tensors()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        var file = Expect.Ok(SafetensorsFile.Open(folder.Write("w.safetensors", SafetensorsBytes.File(Good, 11))));
        Assert.Equal(["a", "b"], file.Entries.Keys);
        Assert.Equal([2, 1], file.Entries["a"].Shape);
        Assert.Equal(ScalarType.Byte, file.Entries["b"].Type);
        Assert.Equal(new byte[] { 9, 10, 11 }, Expect.Ok(file.Read("b")).data<byte>().ToArray());
        Assert.Equal(BitConverter.ToSingle([5, 6, 7, 8]), Expect.Ok(file.Read("a"))[1, 0].item<float>());
    }

    [Theory]
    [InlineData("{", " \n\t {")]
    [InlineData("{\"a\"", "{\"__metadata__\":null,\"a\"")]
    [InlineData("\"shape\":[3],", "\"shape\":[3],\"more\":{\"dtype\":[1]},\"more\":2,")]
    public void What_the_reference_reader_reads_is_read(string form, string other)
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        var at = Good.IndexOf(form, StringComparison.Ordinal);
        var header = Good[..at] + other + Good[(at + form.Length)..];
        var file = Expect.Ok(SafetensorsFile.Open(folder.Write("w.safetensors", SafetensorsBytes.File(header, 11))));
        Assert.Equal(["a", "b"], file.Entries.Keys);
        Assert.Equal(new byte[] { 9, 10, 11 }, Expect.Ok(file.Read("b")).data<byte>().ToArray());
    }

    [Fact]
    public void A_pointer_of_Git_LFS_is_named()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("w.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n");
        Assert.Contains("git lfs pull", Expect.Fault(SafetensorsFile.Open(path), FaultCodes.DamagedWeights).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_bad_header_is_named_with_file_and_tensor()
    {
        using var folder = new TemporaryFolder();
        foreach (var (header, words) in BadHeaders.Select(row => row.Data))
        {
            var path = folder.Write("w.safetensors", SafetensorsBytes.File(header, 11));
            var fault = Expect.Fault(SafetensorsFile.Open(path), FaultCodes.DamagedWeights);
            Assert.True(fault.Message.Contains(words, StringComparison.Ordinal), $"{header}: '{fault.Message}' lacks '{words}'");
            Assert.Equal(path, fault.Place?.File);
        }
    }

    [Theory]
    [InlineData(0, 0UL, 0)]
    [InlineData(2, 3UL, 0)]
    [InlineData(2, 100_000_001UL, 0)]
    [InlineData(2, ulong.MaxValue, 0)]
    [InlineData(2, (ulong)long.MaxValue, 8)]
    public void A_header_length_that_cannot_be_is_a_fault(int headerBytes, ulong claimed, int dataBytes)
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("w.safetensors", SafetensorsBytes.File("{}"u8[..headerBytes].ToArray(), dataBytes, claimed));
        Expect.Fault(SafetensorsFile.Open(path), FaultCodes.DamagedWeights);
    }

    [Fact]
    public void A_file_cut_anywhere_is_a_fault()
    {
        using var folder = new TemporaryFolder();
        var whole = SafetensorsBytes.File(Good, 11);
        for (var length = 0; length < whole.Length; length++)
            Expect.Fault(SafetensorsFile.Open(folder.Write("w.safetensors", whole[..length])), FaultCodes.DamagedWeights);
    }

    [Fact]
    public void A_file_cut_after_opening_is_a_fault()
    {
        using var folder = new TemporaryFolder();
        var whole = SafetensorsBytes.File(Good, 11);
        var path = folder.Write("w.safetensors", whole);
        var file = Expect.Ok(SafetensorsFile.Open(path));
        folder.Write("w.safetensors", whole[..^1]);
        Expect.Fault(file.Read("b"), FaultCodes.DamagedWeights);
        File.Delete(path);
        Expect.Fault(file.Read("a"), FaultCodes.DamagedWeights);
    }

    [Fact]
    public void All_tensors_come_from_the_file_whose_header_was_read()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("w.safetensors", SafetensorsBytes.File(Good, 11));
        using var file = Expect.Ok(SafetensorsFile.Open(path));
        var before = Expect.Ok(file.Read("b")).bytes.ToArray();
        var other = SafetensorsBytes.File(Good, 11);
        for (var i = 1; i <= 11; i++) other[^i] ^= 0xFF;
        File.Move(folder.Write("other", other), path, overwrite: true);
        Assert.Equal(before, Expect.Ok(file.Read("b")).bytes.ToArray());
        File.Delete(path);
        Assert.Equal(before, Expect.Ok(file.Read("b")).bytes.ToArray());
    }

    [Fact]
    public void A_file_that_is_written_over_with_another_of_its_length_is_a_fault()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("w.safetensors", SafetensorsBytes.File(Good, 11));
        File.SetLastWriteTimeUtc(path, DateTime.UnixEpoch.AddYears(40));
        using var file = Expect.Ok(SafetensorsFile.Open(path));
        folder.Write("w.safetensors", SafetensorsBytes.File(Good, 11));
        Expect.Fault(file.Read("b"), FaultCodes.DamagedWeights);
    }

    [Fact]
    public void A_file_that_is_open_is_no_named_pipe_and_keeps_nobody_from_writing()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("w.safetensors", SafetensorsBytes.File(Good, 11));
        using (Expect.Ok(SafetensorsFile.Open(path))) folder.Write("w.safetensors", "short");
        Expect.Fault(SafetensorsFile.Open(path), FaultCodes.DamagedWeights);
        SpecialFile.Pipe(folder["pipe.safetensors"]);
        Assert.Contains("named pipe", Expect.Fault(SafetensorsFile.Open(folder["pipe.safetensors"]), FaultCodes.DamagedWeights).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_absent_file_is_a_fault()
    {
        using var folder = new TemporaryFolder();
        Expect.Fault(SafetensorsFile.Open(folder["w.safetensors"]), FaultCodes.ModelNotFound);
    }

    [Fact]
    public void Every_file_of_the_fixtures_and_models_opens_and_reads()
    {
        using var folder = new TemporaryFolder();
        var paths = new[] { Repository.Fixtures, Repository.Models }
            .SelectMany(root => Directory.EnumerateFiles(root, "*.safetensors", SearchOption.AllDirectories)).ToList();
        Assert.NotEmpty(paths);
        foreach (var path in paths)
        {
            using var scope = NewDisposeScope();
            var file = Expect.Ok(SafetensorsFile.Open(path));
            Assert.NotEmpty(file.Entries);
            var tensors = file.Entries.Select(pair => new TensorToWrite(pair.Key, Expect.Ok(file.Read(pair.Key)), pair.Value.Type)).ToList();
            Expect.Ok(SafetensorsWriter.Write(folder["copy.safetensors"], tensors));
            var copy = Expect.Ok(SafetensorsFile.Open(folder["copy.safetensors"]));
            Assert.Equal(file.Entries.Keys, copy.Entries.Keys);
            foreach (var tensor in tensors) Assert.True(Expect.SameBytes(tensor.Value, Expect.Ok(copy.Read(tensor.Name))), $"{path}: {tensor.Name}");
        }
    }
}
