using System.CommandLine;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Configuration;

namespace LeapAlign.Host.Commands.Verbs;

/// <summary>The option <c>--kind</c>.</summary>
internal static class KindOption
{
    /// <summary>An option that takes one of the kinds of parts.</summary>
    public static Option<string?> Create()
    {
        var option = new Option<string?>("--kind", "-k") { Description = "Only parts of one kind.", HelpName = "kind" };
        option.CompletionSources.Add([.. PartKinds.All]);
        option.Refuse(static word => PartKinds.All.Contains(word, StringComparer.Ordinal) ? null : $"there is no kind {Quoted.Words(word)}{NearestName.Hint(word, PartKinds.All)}");
        return option;
    }
}
