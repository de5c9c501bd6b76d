using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using static TorchSharp.torch;

namespace LeapAlign.Storage.Tests.Safetensors;

public sealed class SafetensorsFolderTests
{
    [Theory]
    [InlineData("diffusion_pytorch_model")]
    [InlineData("model")]
    public void One_file_and_shards_hold_the_same(string stem)
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        var tensors = Enumerable.Range(0, 7).Select(i => new TensorToWrite($"t{i}", full([i + 1], i, dtype: float32), ScalarType.Float32)).ToList();
        Expect.Ok(SafetensorsWriter.WriteFolder(folder.Path, stem, tensors));
        AssertHolds(folder.Path, stem, tensors);
        Assert.Equal([$"{stem}.safetensors"], Names(folder));

        // 4 + 8 + 12 | 16 | 20 | 24 | 28 bytes: at most 24 a shard, and the last is larger than a shard may be.
        Expect.Ok(SafetensorsWriter.WriteFolder(folder.Path, stem, tensors, shardBytes: 24));
        AssertHolds(folder.Path, stem, tensors);
        Assert.Equal([.. Enumerable.Range(1, 5).Select(i => $"{stem}-0000{i}-of-00005.safetensors"), $"{stem}.safetensors.index.json"], Names(folder));
        using (var index = System.Text.Json.JsonDocument.Parse(File.ReadAllBytes(folder[$"{stem}.safetensors.index.json"])))
            Assert.Equal(4 * 28, index.RootElement.GetProperty("metadata").GetProperty("total_size").GetInt64());

        Expect.Ok(SafetensorsWriter.WriteFolder(folder.Path, stem, tensors));
        AssertHolds(folder.Path, stem, tensors);
        Assert.Equal([$"{stem}.safetensors"], Names(folder));
    }

    [Fact]
    public void A_variant_is_taken_when_nothing_else_is_there()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        WriteOne(folder["model.fp16.safetensors"], "half");
        folder.Write("model.onnx", "x");
        Assert.Equal(["half"], Expect.Ok(SafetensorsFolder.Open(folder.Path)).Entries.Keys);
        WriteOne(folder["model.safetensors"], "full");
        Assert.Equal(["full"], Expect.Ok(SafetensorsFolder.Open(folder.Path)).Entries.Keys);
        WriteOne(folder["diffusion_pytorch_model.safetensors"], "diffusion");
        Assert.Equal(["diffusion"], Expect.Ok(SafetensorsFolder.Open(folder.Path)).Entries.Keys);
        WriteOne(folder["open_clip_model.safetensors"], "other");
        Assert.Equal(["other"], Expect.Ok(SafetensorsFolder.Open(folder.Path, "open_clip_model")).Entries.Keys);
    }

    [Fact]
    public void Shards_of_a_variant_are_found_by_their_index()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        WriteOne(folder["model.fp16-00001-of-00002.safetensors"], "a");
        WriteOne(folder["model.fp16-00002-of-00002.safetensors"], "b");
        Expect.Fault(SafetensorsFolder.Open(folder.Path), FaultCodes.ModelNotFound);
        folder.Write("model.safetensors.index.fp16.json",
            """{"metadata":{"total_size":8},"weight_map":{"a":"model.fp16-00001-of-00002.safetensors","b":"model.fp16-00002-of-00002.safetensors"}}""");
        var weights = Expect.Ok(SafetensorsFolder.Open(folder.Path));
        Assert.Equal(["a", "b"], weights.Entries.Keys);
        Assert.Equal("model", weights.Stem);
    }

    [Fact]
    public void Two_variants_and_nothing_else_are_a_fault_that_names_them()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        WriteOne(folder["model.fp16.safetensors"], "half");
        WriteOne(folder["model.bf16.safetensors"], "brain");
        var fault = Expect.Fault(SafetensorsFolder.Open(folder.Path), FaultCodes.ModelNotFound);
        Assert.Contains("model.bf16.safetensors and model.fp16.safetensors", fault.Message, StringComparison.Ordinal);
        WriteOne(folder["model.safetensors"], "full");
        Assert.Equal(["full"], Expect.Ok(SafetensorsFolder.Open(folder.Path)).Entries.Keys);
    }

    [Theory]
    [InlineData("diffusion_pytorch_model", "shard")]
    [InlineData("model", "one")]
    public void Where_a_folder_has_one_file_and_shards_its_library_decides(string stem, string expected)
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        WriteOne(folder[$"{stem}.safetensors"], "one");
        WriteOne(folder["m1.safetensors"], "shard");
        folder.Write($"{stem}.safetensors.index.json", """{"metadata":{"total_size":4},"weight_map":{"shard":"m1.safetensors"}}""");
        Assert.Equal([expected], Expect.Ok(SafetensorsFolder.Open(folder.Path)).Entries.Keys);
    }

    [Fact]
    public void Tensors_that_the_index_does_not_name_are_read_from_the_later_shard()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        void Shard(string file, params (string Name, float Value)[] tensors) =>
            Expect.Ok(SafetensorsWriter.Write(folder[file], [.. tensors.Select(tensor => new TensorToWrite(tensor.Name, full([1], tensor.Value, dtype: float32), ScalarType.Float32))]));
        Shard("m1.safetensors", ("a", 1), ("more", 2));
        Shard("m2.safetensors", ("b", 3), ("a", 1), ("more", 5));
        folder.Write("model.safetensors.index.json", """{"metadata":{"total_size":1},"weight_map":{"a":"m1.safetensors","b":"m2.safetensors"}}""");
        var weights = Expect.Ok(SafetensorsFolder.Open(folder.Path));
        Assert.Equal(["a", "b", "more"], weights.Entries.Keys.Order(StringComparer.Ordinal));
        Assert.Equal([1f, 3f, 5f], new[] { "a", "b", "more" }.Select(name => Expect.Ok(weights.Read(name)).item<float>()));
        weights.Dispose();
        // One that the index places in a shard, and a later one holds with another value: the libraries take the later, the index says the first.
        Shard("m2.safetensors", ("b", 3), ("a", 4));
        var fault = Expect.Fault(SafetensorsFolder.Open(folder.Path), FaultCodes.DamagedWeights);
        Assert.Contains("tensor 'a': the index places it in 'm1.safetensors', and 'm2.safetensors' holds another one", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_there_is_a_fault()
    {
        using var folder = new TemporaryFolder();
        Expect.Fault(SafetensorsFolder.Open(folder["absent"]), FaultCodes.ModelNotFound);
        var fault = Expect.Fault(SafetensorsFolder.Open(folder.Path), FaultCodes.ModelNotFound);
        Assert.Contains("diffusion_pytorch_model.safetensors", fault.Message, StringComparison.Ordinal);
        Assert.Contains("model.safetensors", fault.Message, StringComparison.Ordinal);
        foreach (var other in new[] { "pytorch_model.bin", "model-00001-of-00002.safetensors" })
        {
            folder.Write(other, "");
            Assert.Contains($"'{other}' is neither", Expect.Fault(SafetensorsFolder.Open(folder.Path), FaultCodes.ModelNotFound).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_missing_shard_is_a_fault()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        WriteOne(folder["m1.safetensors"], "a");
        folder.Write("model.safetensors.index.json", """{"weight_map":{"a":"m1.safetensors","b":"m2.safetensors"}}""");
        var fault = Expect.Fault(SafetensorsFolder.Open(folder.Path), FaultCodes.ShardMissing);
        Assert.Contains("'m2.safetensors'", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"weight_map":{"a":"m1.safetensors","c":"m1.safetensors"}}""", "'c'")]
    [InlineData("""{"weight_map":{"a":"m1.safetensors","a":"m1.safetensors"}}""", "'a'")]
    [InlineData("""{"weight_map":{"a":"../m1.safetensors"}}""", "'a'")]
    [InlineData("""{"weight_map":{"a":".."}}""", "'a'")]
    [InlineData("""{"weight_map":{"a":""}}""", "'a'")]
    [InlineData("""{"weight_map":{"a":1}}""", "'a'")]
    [InlineData("""{"weight_map":{}}""", "no tensor")]
    [InlineData("""{"weight_map":[]}""", "weight_map")]
    [InlineData("[]", "weight_map")]
    [InlineData("{", "cannot be read")]
    [InlineData("""{"weight_map":{"a":"\ud800"}}""", "cannot be read")]
    public void A_bad_index_is_a_fault(string index, string words)
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        WriteOne(folder["m1.safetensors"], "a");
        var path = folder.Write("model.safetensors.index.json", index);
        var fault = Expect.Fault(SafetensorsFolder.Open(folder.Path), FaultCodes.DamagedWeights);
        Assert.Contains(words, fault.Message, StringComparison.Ordinal);
        Assert.Equal(path, fault.Place?.File);
    }

    [Fact]
    public void All_shards_are_those_that_were_there_when_the_folder_was_opened()
    {
        using var folder = new TemporaryFolder();
        Expect.Ok(SafetensorsWriter.WriteFolder(folder.Path, "model", [new TensorToWrite("a", ones(2), ScalarType.Float32), new TensorToWrite("b", ones(2), ScalarType.Float32)], shardBytes: 1));
        using var weights = Expect.Ok(SafetensorsFolder.Open(folder.Path));
        using var one = Expect.Ok(weights.Read("a"));
        Expect.Ok(SafetensorsWriter.WriteFolder(folder.Path, "model", [new TensorToWrite("a", zeros(2), ScalarType.Float32), new TensorToWrite("b", zeros(2), ScalarType.Float32)], shardBytes: 1));
        using var other = Expect.Ok(weights.Read("b"));
        Assert.Equal([1f, 1f], other.data<float>().ToArray());
    }

    [Fact]
    public void A_damaged_shard_is_a_fault()
    {
        using var folder = new TemporaryFolder();
        folder.Write("m1.safetensors", [1, 2, 3]);
        folder.Write("model.safetensors.index.json", """{"weight_map":{"a":"m1.safetensors"}}""");
        Assert.Equal(folder["m1.safetensors"], Expect.Fault(SafetensorsFolder.Open(folder.Path), FaultCodes.DamagedWeights).Place?.File);
    }

    private static void WriteOne(string path, string name) => Expect.Ok(SafetensorsWriter.Write(path, [new TensorToWrite(name, ones(1), ScalarType.Float32)]));

    private static void AssertHolds(string folder, string stem, IReadOnlyList<TensorToWrite> tensors)
    {
        var weights = Expect.Ok(SafetensorsFolder.Open(folder));
        Assert.Equal(stem, weights.Stem);
        Assert.Equal(tensors.Select(tensor => tensor.Name), weights.Entries.Keys);
        foreach (var tensor in tensors) Assert.True(Expect.SameBytes(tensor.Value, Expect.Ok(weights.Read(tensor.Name))), tensor.Name);
    }

    private static IEnumerable<string?> Names(TemporaryFolder folder) => Directory.GetFiles(folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal);
}
