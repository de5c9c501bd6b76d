using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Weights;

/// <summary>
/// Tensors of a file that are one tensor of a network. Libraries tie them only where they hold the same, and compute with both where they do not; which of the two each part of a network would
/// see depends on the library's version.
/// </summary>
internal static class TiedNames
{
    /// <summary>Requires that the tensors of each group hold the same.</summary>
    /// <param name="source">The file or shards.</param>
    /// <param name="groups">The names in the file, by the one name that the network has for them.</param>
    public static Result<Unit> Agree(IWeightSource source, IEnumerable<IGrouping<string, string>> groups)
    {
        foreach (var names in groups)
        {
            foreach (var other in names.Skip(1))
            {
                if (!AreSame(source, names.First(), other).TryGet(out var same, out var unread)) return unread;
                if (!same) return new Fault.Input(FaultCodes.TensorMismatch, $"tensors '{names.First()}' and '{other}' are one tensor of this model, but do not hold the same", new SourcePlace(source.Location));
            }
        }
        return Unit.Value;
    }

    private static Result<bool> AreSame(IWeightSource source, string one, string other)
    {
        if (source.Entries[one].Type != source.Entries[other].Type || !source.Entries[one].Shape.SequenceEqual(source.Entries[other].Shape)) return false;
        using var scope = NewDisposeScope();
        // What is not a number is the same as itself here.
        return source.Read(one).Bind(first => source.Read(other).Map(second => first.eq(second).logical_or(first.ne(first).logical_and(second.ne(second))).all().item<bool>()));
    }
}
