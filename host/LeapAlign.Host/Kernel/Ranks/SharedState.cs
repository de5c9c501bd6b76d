using System.Text.Json;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.State;
using LeapAlign.Host.Kernel.State;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Ranks;

/// <summary>
/// The states of a run on their way from the first process, which read them from a checkpoint, to the others: a folder that only one machine sees is enough, and a run goes on with
/// any number of processes.
/// </summary>
internal static class SharedState
{
    /// <summary>Gives every part of the other processes the state of the first process's.</summary>
    /// <param name="ranks">The processes.</param>
    /// <param name="states">The parts that keep something, in the same order everywhere.</param>
    /// <param name="progress">The counters of the first process.</param>
    /// <returns>The counters; LA5007 where a part of another process does not take its state.</returns>
    public static Result<RunProgress> OfFirst(RunRanks ranks, IEnumerable<(string Name, IStateful State)> states, RunProgress progress)
    {
        if (ranks.IsAlone) return progress;
        foreach (var (name, part) in states)
        {
            if (!OfFirst(ranks, name, part).TryGet(out _, out var fault)) return fault;
        }
        return JsonSerializer.Deserialize<RunProgress>(ranks.OfFirst("the counters of the run", () => JsonSerializer.SerializeToUtf8Bytes(progress, StateForm.Options)), StateForm.Options)!;
    }

    private static Result<Unit> OfFirst(RunRanks ranks, string name, IStateful part)
    {
        using var scope = NewDisposeScope();
        var first = ranks.Rank == 0 ? part.Save() : null;
        var form = StateForm.Read(ranks.OfFirst($"the form of '{name}'", () => StateForm.Write(first!)));
        List<NamedTensor> tensors = [];
        foreach (var (tensor, place) in form.Tensors.Select(static (tensor, place) => (tensor, place)))
        {
            var value = first is null ? empty(tensor.Shape, (ScalarType)tensor.Type) : first.Tensors[place].Value.detach().cpu().contiguous();
            ranks.From(0, $"the state of '{name}'", value);
            tensors.Add(new NamedTensor(tensor.Name, value));
        }
        return first is null ? part.Load(new PartState(form.Version, tensors, form.Numbers)) : Unit.Value;
    }
}
