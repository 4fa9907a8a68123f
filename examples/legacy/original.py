"""The program of 0.x that main.rs translates line by line: honeyhive==0.2.57."""
import os

from honeyhive import HoneyHiveTracer, enrich_session, enrich_span, evaluate, trace

ANSWERS = {"Why do bees dance?": "To tell where food is.", "What is honey?": "Nectar, ripened."}


@trace(event_type="tool", metadata={"index": "faq"})
def retrieve(question):
    passages = [ANSWERS.get(question, "")]
    enrich_span(metrics={"passages": len(passages)})
    return passages


@trace(event_type="model", config={"model": "m-1"})
def generate(question, passages):
    enrich_span(feedback={"grounded": bool(passages[0])})
    return passages[0] or f"Nobody knows: {question}"


@trace(event_type="chain", event_name="support")
def answer(question):
    return generate(question, retrieve(question))


def evaluated(inputs, ground_truths):
    enrich_session(metadata={"asked": inputs["question"]})
    return {"answer": answer(inputs["question"])}


def exact(outputs, inputs, ground_truths):
    return outputs["answer"] == ground_truths["answer"]


if __name__ == "__main__":
    HoneyHiveTracer.init(api_key=os.environ["HH_API_KEY"], project="support", source="script", session_name="a script")
    print(answer("What is honey?"))
    enrich_session(user_properties={"plan": "pro"}, feedback={"rating": 5})
    HoneyHiveTracer.flush()

    dataset = [{"inputs": {"question": q}, "ground_truths": {"answer": a}} for q, a in ANSWERS.items()]
    dataset.append({"inputs": {"question": "Who was the first bee?"}, "ground_truths": {"answer": "Nobody knows"}})
    evaluate(function=evaluated, dataset=dataset, evaluators=[exact], name="a run", max_workers=1)
