using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using static TorchSharp.torch;

namespace LeapAlign.Testing;

/// <summary>The tensors of a recorded file. A tensor that a test asks for and the file lacks fails the test.</summary>
public sealed class Recording
{
    private readonly SafetensorsFile _file;

    public Recording(params string[] parts) => _file = Require(SafetensorsFile.Open(Repository.Fixture(parts)));

    public IEnumerable<string> Names => _file.Entries.Keys;

    /// <summary>Reads a tensor into the scope of the caller.</summary>
    public Tensor this[string name] => _file.Entries.ContainsKey(name) ? Require(_file.Read(name)) : throw new InvalidOperationException($"'{_file.Location}' has no tensor '{name}'");

    /// <summary>The names behind a prefix.</summary>
    public IEnumerable<string> Under(string prefix) => Names.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).Select(name => name[prefix.Length..]);

    /// <summary>The value of a result that must not have failed.</summary>
    public static T Require<T>(Result<T> result) => result.Match(static value => value, static fault => throw new InvalidOperationException(fault.ToString()));
}
