using System.Text.Json;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Diffusion;

/// <summary>A file of tensors, kept in memory.</summary>
internal sealed class SafetensorsFile : IWeightSource
{
    private readonly byte[] _bytes;
    private readonly Dictionary<string, (WeightEntry Entry, int Start, int End)> _entries = [];

    public SafetensorsFile(string path)
    {
        Location = path;
        _bytes = File.ReadAllBytes(path);
        var header = (int)BitConverter.ToInt64(_bytes);
        using var json = JsonDocument.Parse(_bytes.AsMemory(8, header));
        foreach (var property in json.RootElement.EnumerateObject())
        {
            if (property.Name == "__metadata__") continue;
            var type = property.Value.GetProperty("dtype").GetString() switch
            {
                "F32" => float32,
                "F16" => float16,
                "BF16" => bfloat16,
                "I64" => int64,
                var other => throw new NotSupportedException(other),
            };
            var offsets = property.Value.GetProperty("data_offsets");
            long[] shape = [.. property.Value.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())];
            _entries[property.Name] = (new WeightEntry(type, shape), 8 + header + offsets[0].GetInt32(), 8 + header + offsets[1].GetInt32());
        }
    }

    public string Location { get; }

    public IReadOnlyDictionary<string, WeightEntry> Entries => _entries.ToDictionary(pair => pair.Key, pair => pair.Value.Entry);

    public Result<Tensor> Read(string name)
    {
        var (entry, start, end) = _entries[name];
        var tensor = empty([.. entry.Shape], dtype: entry.Type);
        tensor.bytes = _bytes.AsSpan(start, end - start);
        return tensor;
    }
}
